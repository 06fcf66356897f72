"""How many layers of a GGUF file go to the GPU."""

import gguf
import numpy
import pytest
import tiny_models
import torch
from tatara.job import gpu_layers, gpus
from tatara.llama import convert, reader

SIZES = [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("free", "parts"),
    [(-1, 0), (4, 0), (5, 1), (16, 1), (17, 2), (52, 4), (53, gpu_layers.ALL)],
)
def test_the_output_comes_first_and_each_layer_brings_its_cache(free, parts):
    assert gpu_layers.fitting(SIZES, output=5, cell=1, cells=2, free=free) == parts


def test_the_sizes_of_a_file_are_those_of_its_tensors(tmp_path):
    folder = tiny_models.make_base(tmp_path / "base", "llama3")
    convert.convert(folder, tmp_path / "f16.gguf")
    layers, output, cell = gpu_layers.layer_sizes(*reader.read_head(tmp_path / "f16.gguf"))
    tensors = gguf.GGUFReader(tmp_path / "f16.gguf").tensors
    embedding = sum(int(tensor.n_bytes) for tensor in tensors if tensor.name == "token_embd.weight")
    assert len(layers) == tiny_models.SHAPE["layers"]
    assert sum(layers) + output + embedding == sum(int(tensor.n_bytes) for tensor in tensors)
    channels = tiny_models.SHAPE["hidden_size"] // tiny_models.SHAPE["heads"]
    assert cell == 2 * tiny_models.SHAPE["kv_heads"] * channels * numpy.dtype("float16").itemsize


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU; run on one by hand")


@pytest.mark.gpu
@gpu
def test_a_file_larger_than_its_share_of_the_gpu_gives_the_same_logits(tmp_path, monkeypatch):
    """A limit that leaves room for the output and some of the eight layers."""
    from tatara.llama import gguf_model

    folder = tiny_models.make_base(tmp_path / "base", "llama3", hidden_size=1024, intermediate_size=4096, layers=8)
    convert.convert(folder, tmp_path / "f16.gguf")
    layers, output, cell = gpu_layers.layer_sizes(*reader.read_head(tmp_path / "f16.gguf"))
    ids = list(range(5, 205))

    def logits() -> numpy.ndarray:
        pieces = gguf_model.pieces_of(gguf_model.load(tmp_path / "f16.gguf", 512, 4))
        return numpy.concatenate([piece.copy() for piece in pieces(ids, 1)])

    whole = logits()
    limit = gpu_layers.WORKING + output + 3.5 * (layers[0] + 512 * cell)
    monkeypatch.setenv(gpus.MEMORY_LIMIT, str(limit / gpu_layers.GIB))
    assert gpu_layers.gpu_layers(tmp_path / "f16.gguf", reader.read_head, 512) == 4
    assert numpy.linalg.norm(logits() - whole) < 2e-2 * numpy.linalg.norm(whole)
