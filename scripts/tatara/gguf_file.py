"""Reading GGUF files."""

from pathlib import Path

from gguf import GGUFReader


def field(reader: GGUFReader, name: str, default=None):
    """Return the value of a key in a file's head, `default` where it has none."""
    found = reader.get_field(name)
    return default if found is None else found.contents()


def is_whole(file: Path) -> bool:
    """Return whether a file is there with all tensors that its head names."""
    try:
        tensors = GGUFReader(file).tensors
    except (OSError, ValueError, IndexError):
        return False
    return file.stat().st_size >= max((tensor.data_offset + tensor.n_bytes for tensor in tensors), default=0)
