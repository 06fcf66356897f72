"""Pre-tokenizers of byte-level BPE that llama.cpp implements, by llama.cpp's names and as a tokenizer.json holds them.

The converter recognises a tokenizer by them, the tokenizer of a GGUF file is rebuilt from them, and tokenizers that are
trained here use them.
"""

# Expressions as published with the models.
LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
