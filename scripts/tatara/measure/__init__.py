"""Statistics over results, and the selection of a size."""
