"""Reading GGUF files.

The list of tensors is read here: gguf's own reader makes an object of every token and merge of the vocabulary, which
takes half a minute where there are 260,000 of them, and a ladder asks a dozen files.
"""

import contextlib
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import gguf
import numpy
from gguf.constants import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGUF_MAGIC,
    QK_K,
    GGMLQuantizationType,
    GGUFValueType,
)

# struct's letter for the values of one size
_FORMS = {
    GGUFValueType.UINT8: "B",
    GGUFValueType.INT8: "b",
    GGUFValueType.BOOL: "?",
    GGUFValueType.UINT16: "H",
    GGUFValueType.INT16: "h",
    GGUFValueType.UINT32: "I",
    GGUFValueType.INT32: "i",
    GGUFValueType.FLOAT32: "f",
    GGUFValueType.UINT64: "Q",
    GGUFValueType.INT64: "q",
    GGUFValueType.FLOAT64: "d",
}


@dataclass(frozen=True)
class Tensor:
    """A tensor as a file's head names it.

    Attributes:
        shape: rows' length first, as GGUF has it.
        size: its bytes.
        end: position in the file after its last byte.
    """

    name: str
    shape: tuple[int, ...]
    size: int
    end: int

    @property
    def elements(self) -> int:
        return prod(self.shape)


class _Head:
    """A file's head, read from its beginning on (the format's description: docs/gguf.md of ggml)."""

    def __init__(self, data: mmap.mmap):
        self.data, self.position = data, 0

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.position)
        self.position += struct.calcsize(f"<{form}")
        return value

    def text(self) -> str:
        length = self.take("Q")
        self.position += length
        return bytes(self.data[self.position - length : self.position]).decode()

    def skip(self, kind: GGUFValueType, count: int = 1) -> None:
        """Pass by so many values of a kind."""
        if kind in _FORMS:
            self.position += count * struct.calcsize(_FORMS[kind])
        elif kind == GGUFValueType.STRING:
            for _ in range(count):
                self.position += 8 + struct.unpack_from("<Q", self.data, self.position)[0]
        else:
            for _ in range(count):
                self.skip(GGUFValueType(self.take("I")), self.take("Q"))


def read_head(file: Path) -> tuple[dict[str, int | float | bool], list[Tensor]]:
    """Return the numbers of a file's head by key, lists and texts left out, and the tensors that it names.

    Raises:
        ValueError: it is no GGUF file of version 2 or 3, or its head is cut short.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = _Head(data)
        try:
            if head.take("I") != GGUF_MAGIC or head.take("I") not in (2, 3):
                raise ValueError(f"{file}: no GGUF file of version 2 or 3")
            count, keys = head.take("Q"), head.take("Q")
            numbers, named = {}, []
            for _ in range(keys):
                name, kind = head.text(), GGUFValueType(head.take("I"))
                if kind in _FORMS:
                    numbers[name] = head.take(_FORMS[kind])
                else:
                    head.skip(kind)
            for _ in range(count):
                name = head.text()
                shape = tuple(head.take("Q") for _ in range(head.take("I")))
                block, size = GGML_QUANT_SIZES[GGMLQuantizationType(head.take("I"))]
                named.append((name, shape, prod(shape) // block * size, head.take("Q")))
        except (struct.error, KeyError, OverflowError, RecursionError) as error:
            raise ValueError(f"{file}: its head is cut short, or not as GGUF has it") from error
        alignment = numbers.get("general.alignment", GGUF_DEFAULT_ALIGNMENT)
        start = -(-head.position // alignment) * alignment
        return numbers, [Tensor(name, shape, size, start + place + size) for name, shape, size, place in named]


def tensors(file: Path) -> list[Tensor]:
    """Return the tensors that a file's head names; raises as `read_head` does."""
    return read_head(file)[1]


class PlainReader(gguf.GGUFReader):
    """gguf's reader over a plain array: it takes millions of slices, and those of a memory map cost three times as
    much.
    """

    @property
    def data(self) -> numpy.ndarray:
        return self._data

    @data.setter
    def data(self, mapped: numpy.memmap) -> None:
        self._data = mapped.view(numpy.ndarray)


@contextlib.contextmanager
def plain_reader() -> Iterator[None]:
    """Let transformers read GGUF files by PlainReader."""
    before, gguf.GGUFReader = gguf.GGUFReader, PlainReader
    try:
        yield
    finally:
        gguf.GGUFReader = before


def field(reader: gguf.GGUFReader, name: str, default=None):
    """Return the value of a key in a file's head, `default` where it has none."""
    found = reader.get_field(name)
    return default if found is None else found.contents()


def share_in_other_types(file: Path) -> float:
    """Return the share of a file's weights that no K-quant takes, since the rows of their matrices are no multiple of
    256 long.

    Where a K-quant is asked for, llama-quantize stores these matrices in other types, of more bits.
    """
    matrices = [tensor for tensor in tensors(file) if len(tensor.shape) > 1]
    other = sum(tensor.elements for tensor in matrices if tensor.shape[0] % QK_K)
    return other / max(1, sum(tensor.elements for tensor in matrices))


def is_whole(file: Path) -> bool:
    """Return whether a file is there with all tensors that its head names."""
    try:
        named = tensors(file)
    except (OSError, ValueError):
        return False
    return file.stat().st_size >= max((tensor.end for tensor in named), default=0)
