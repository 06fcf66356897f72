"""The list of tensors of a GGUF file, against gguf's own reader, and what is no whole file."""

from pathlib import Path

import gguf
import numpy
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType
from hypothesis import given
from hypothesis import strategies as st
from tatara.llama import reader


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A file with values of every kind in its head, tensors of three types, and an alignment of its own."""
    path = tmp_path_factory.mktemp("gguf") / "a.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(64)
    writer.add_string("name", "堤防")
    writer.add_array("tokens", ["▁", "堤防", "", "<0xE9>"] * 50)
    writer.add_array("scores", [0.5, -1.0])
    writer.add_array("flags", [True, False, True])
    for kind in (
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "float32",
        "float64",
        "bool",
    ):
        getattr(writer, f"add_{kind}")(f"a {kind}", 1)
    matrix = numpy.linspace(-1, 1, 3 * 256, dtype=numpy.float32).reshape(3, 256)
    writer.add_tensor("f32", matrix)
    writer.add_tensor("f16", matrix[:, :5].astype(numpy.float16))
    writer.add_tensor("norm", matrix[0])
    quantized = gguf.quants.quantize(matrix, GGMLQuantizationType.Q8_0)
    writer.add_tensor("q8", quantized, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_tensors_are_those_of_ggufs_own_reader(file):
    expected = [
        (
            tensor.name,
            tuple(map(int, tensor.shape)),
            int(tensor.n_bytes),
            int(tensor.data_offset + tensor.n_bytes),
        )
        for tensor in GGUFReader(file).tensors
    ]
    assert [(tensor.name, tensor.shape, tensor.size, tensor.end) for tensor in reader.tensors(file)] == expected
    assert len(expected) == 4


def test_numbers_and_fields_are_those_of_ggufs_own_reader(file):
    expected = {
        name: entry.contents()
        for name, entry in GGUFReader(file).fields.items()
        if len(entry.types) == 1 and entry.types[0] != GGUFValueType.STRING and not name.startswith("GGUF.")
    }
    assert reader.read_head(file)[0] == expected and len(expected) == 12
    plain = reader.PlainReader(file)
    assert type(plain.tensors[0].data) is numpy.ndarray
    assert {name: entry.contents() for name, entry in plain.fields.items()} == {
        name: entry.contents() for name, entry in GGUFReader(file).fields.items()
    }


def test_the_share_that_no_k_quant_takes(file):
    """Rows of 5, beside two matrices of rows of 256; what is no matrix does not count."""
    assert reader.share_in_other_types(file) == 15 / (15 + 2 * 768)


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_anywhere_is_not_whole(file, share):
    cut = file.with_name("cut.gguf")
    content = file.read_bytes()
    end = reader.tensors(file)[-1].end
    cut.write_bytes(content[: int(share * end)])
    assert reader.is_whole(file) and not reader.is_whole(cut)


@given(place=st.integers(0, 2000), value=st.integers(0, 255))
def test_a_head_with_another_byte_is_read_or_refused(file, place, value):
    content = bytearray(file.read_bytes())
    content[place] = value
    changed = file.with_name("changed.gguf")
    changed.write_bytes(content)
    assert reader.is_whole(changed) in (True, False)


def test_what_is_no_gguf_file_is_named(tmp_path):
    other = tmp_path / "a.gguf"
    other.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match=r"a\.gguf: no GGUF file"):
        reader.tensors(other)
    assert not reader.is_whole(other) and not reader.is_whole(tmp_path / "none.gguf")
