"""Text, JSON, YAML, configuration and formats."""
