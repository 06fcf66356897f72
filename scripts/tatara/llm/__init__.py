"""Clients of language models on servers: Ollama by its own API, and any server that speaks OpenAI's."""
