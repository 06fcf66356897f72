"""Tables: each module holds one, with its columns, what builds it, how it is written, and how the paper writes it."""
