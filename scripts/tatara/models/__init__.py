"""Models and tokenizers: chat, loading, sources, pretraining."""
