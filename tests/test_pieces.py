"""Logits in pieces: the same numbers whatever the size of a piece, and whatever engine they come from."""

import llama_cpp
import numpy
import pytest
import tiny_models
import torch
from tatara.evaluate import nats
from tatara.evaluate.nats import nats_of
from tatara.evaluate.nll_adapter import transformers_pieces
from tatara.llama import convert, gguf_model
from tatara.models import loading

IDS = [int(token) for token in numpy.random.default_rng(3).integers(5, 250, 80)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("pieces")
    base = tiny_models.make_base(folder / "base", "llama3")
    convert.convert(base, folder / "f16.gguf")
    return {"model": loading.load_model(base, torch.device("cpu")), "file": folder / "f16.gguf"}


def of_llama(tiny):
    return gguf_model.pieces_of(gguf_model.load(tiny["file"], 128, 1))


@pytest.mark.parametrize("start", [1, 2, 41, len(IDS) - 1])
def test_they_are_the_rows_that_predict_the_tokens_from_a_place_on(tiny, start):
    with torch.inference_mode():
        whole = tiny["model"](input_ids=torch.tensor([IDS])).logits[0, start - 1 : -1]
    for engine in (transformers_pieces(tiny["model"]), of_llama(tiny)):
        got = torch.cat([torch.as_tensor(piece).clone() for piece in engine(IDS, start)])
        assert got.shape == whole.shape and torch.allclose(got, whole, atol=2e-2)
    expected = torch.nn.functional.cross_entropy(whole.double(), torch.tensor(IDS[start:]), reduction="sum").item()
    assert nats_of(transformers_pieces(tiny["model"]), IDS, start) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_large_vocabulary_comes_a_few_tokens_at_a_time_and_says_the_same(tiny, monkeypatch, rows):
    once = [nats_of(engine, IDS, 20) for engine in (transformers_pieces(tiny["model"]), of_llama(tiny))]
    vocabulary = tiny["model"].config.vocab_size
    for module in (nats, gguf_model):
        monkeypatch.setattr(module, "LOGITS", rows * vocabulary + 1)
    cut = (transformers_pieces(tiny["model"]), of_llama(tiny))
    for engine, expected in zip(cut, once, strict=True):
        sizes = [len(piece) for piece in engine(IDS, 20)]
        assert max(sizes) == rows and sum(sizes) == len(IDS) - 20
        assert nats_of(engine, IDS, 20) == pytest.approx(expected, rel=1e-4)


def test_what_llama_cpp_says_of_a_fault_is_in_the_log(tiny, caplog):
    model = gguf_model.load(tiny["file"], 128, 1)
    batch = llama_cpp.llama_batch_init(1, 0, 1)
    batch.n_tokens, batch.token[0], batch.pos[0] = 1, 10**6, 0
    batch.n_seq_id[0], batch.seq_id[0][0] = 1, 0
    assert llama_cpp.llama_decode(model.ctx, batch) == -1
    llama_cpp.llama_batch_free(batch)
    assert any("invalid token" in record.getMessage() for record in caplog.records if record.levelname == "ERROR")
