"""Loading of tokenizers alone: what a job needs that asks llama.cpp, without the classes of models."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Load the tokenizer of a base model's folder from its tokenizer.json as it is (`tokenizer_files.settle`)."""
    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
