"""QLoRA training and merging."""
