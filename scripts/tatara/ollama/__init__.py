"""A client of Ollama servers."""
