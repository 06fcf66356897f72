"""The head of a safetensors file: names and shapes of its tensors, read without its numbers."""

import json
import struct
from pathlib import Path


def read_head(file: Path) -> tuple[dict[str, list[int]], int]:
    """Return the shapes of a safetensors file's tensors, and the bytes that the whole file must have.

    Raises:
        ValueError: the file has no head of this format.
    """
    with file.open("rb") as content:
        start = content.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(100_000_000, file.stat().st_size):
            raise ValueError("no head of the safetensors format")
        head = json.loads(content.read(length))
    head.pop("__metadata__", None)
    end = max((tensor["data_offsets"][1] for tensor in head.values()), default=0)
    return {name: tensor["shape"] for name, tensor in head.items()}, 8 + length + end
