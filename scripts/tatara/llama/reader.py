"""Reading GGUF files."""

from pathlib import Path

from gguf import GGUFReader
from gguf.constants import QK_K


def field(reader: GGUFReader, name: str, default=None):
    """Return the value of a key in a file's head, `default` where it has none."""
    found = reader.get_field(name)
    return default if found is None else found.contents()


def share_in_other_types(file: Path) -> float:
    """Return the share of a file's weights that no K-quant takes, since the rows of their matrices are no multiple of
    256 long.

    Where a K-quant is asked for, llama-quantize stores these matrices in other types, of more bits.
    """
    matrices = [tensor for tensor in GGUFReader(file).tensors if len(tensor.shape) > 1]
    other = sum(int(tensor.n_elements) for tensor in matrices if tensor.shape[0] % QK_K)
    return other / max(1, sum(int(tensor.n_elements) for tensor in matrices))


def is_whole(file: Path) -> bool:
    """Return whether a file is there with all tensors that its head names."""
    try:
        tensors = GGUFReader(file).tensors
    except (OSError, ValueError, IndexError):
        return False
    return file.stat().st_size >= max((tensor.data_offset + tensor.n_bytes for tensor in tensors), default=0)
