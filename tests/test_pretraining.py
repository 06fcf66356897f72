"""Text for pretraining, what is held out of it, and pretraining itself on the CPU and on a GPU."""

import json
import math

import pytest
import tiny_models
import torch
from tatara.data import corpus
from tatara.llama import batch, convert, gguf_model
from tatara.models import base_continued, base_scratch, families, loading, pretraining, scratch
from tatara.models.differences import first_difference
from tatara.models.tokenizer import load_tokenizer


def test_short_paragraphs_are_left_out(tmp_path):
    (tmp_path / "a.md").write_text(
        "短い。\n\n堤防の高さは計画高水位に余裕高を加えた高さ以上とする。\n", encoding="utf-8"
    )
    assert corpus.corpus_texts([tmp_path / "a.md"], 10) == ["堤防の高さは計画高水位に余裕高を加えた高さ以上とする。"]


def test_what_is_held_out_is_not_trained_on():
    texts = [f"第{n}条" for n in range(98)] + ["同じ文", "同じ文"]
    kept, held = corpus.hold_out(texts, 0.1)
    assert len(held) == 10 and not set(kept) & set(held)
    assert sorted(kept + held) == sorted(texts)
    assert corpus.hold_out(texts, 0.0) == (texts, [])
    assert "同じ文" not in corpus.hold_out(texts, 0.99)[1], "a text that stands twice would be trained on and measured"


def test_the_held_out_loss_is_written_and_falls(tmp_path):
    source = {**tiny_models.SHAPE, "tokenizer": "llama3", "byte_fallback": True, "steps": 12}
    kept, held = corpus.hold_out(tiny_models.TEXTS, 0.1)
    base_scratch.build(
        name="a", source=source, texts=kept, held_out=held, folder=tmp_path / "a", threads=1, device="cpu"
    )
    found = json.loads((tmp_path / "a/base.json").read_text(encoding="utf-8"))
    assert found["held_out"]["nll"] < found["first_loss"] == pytest.approx(math.log(found["vocabulary"]), rel=0.1)
    tokenizer = load_tokenizer(tmp_path / "a")
    bits = sum(len(tokenizer(text)["input_ids"]) + 1 for text in held) * found["held_out"]["nll"] / math.log(2)
    assert found["held_out"]["bits_per_byte"] == pytest.approx(
        bits / sum(len(text.encode()) for text in held), rel=1e-6
    )
    continued = {"steps": 4, "batch_size": 2, "block": 32, "learning_rate": 1e-3, "seed": 1}
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    content = base_continued.continue_pretraining(
        tmp_path / "a", tmp_path / "b", continued, texts=kept, held_out=held, threads=1, device="cpu"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before
    assert {path.name for path in (tmp_path / "b").iterdir()} == before.keys() - {"base.json"}
    assert content["held_out_before"]["nll"] == pytest.approx(
        found["held_out"]["nll"], rel=0.02
    )  # rounded to bf16 in between
    assert content["held_out"]["nll"] != content["held_out_before"]["nll"]


def test_a_unigram_vocabulary_of_many_texts_knows_every_character(monkeypatch):
    monkeypatch.setattr(families, "UNIGRAM_TEXTS", 20)
    texts = [*tiny_models.TEXTS, "鱻の護岸。", *tiny_models.TEXTS[::-1]]
    tokenizer = families.train_tokenizer(texts, "unigram", 512, byte_fallback=False)
    assert tokenizer.unk_token_id not in tokenizer("鱻の護岸。")["input_ids"]
    assert tokenizer.unk_token_id in tokenizer("麤の護岸。")["input_ids"]


def test_rows_of_a_step_may_be_read_apart(monkeypatch):
    tokenizer = families.train_tokenizer(tiny_models.TEXTS, "llama3", 512)
    settings = {"steps": 3, "batch_size": 5, "block": 16, "learning_rate": 1e-3, "seed": 1}
    seen = {}
    for name, rows in (("together", 5), ("apart", 2)):
        monkeypatch.setitem(pretraining.LOGITS, "cpu", rows * 16 * 512)
        model = scratch.make_model(tokenizer, tiny_models.SHAPE, 1)
        passes = []
        model.register_forward_pre_hook(
            lambda module, given, keywords, passes=passes: passes.append(len(keywords["input_ids"])), with_kwargs=True
        )
        seen[name] = pretraining.pretrain(model, tokenizer, tiny_models.TEXTS, settings)
        assert passes == ([5] * 3 if name == "together" else [2, 2, 1] * 3)
    assert seen["apart"] == pytest.approx(seen["together"], rel=1e-5)


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU; run on one by hand")


@pytest.mark.gpu
@gpu
def test_pretraining_on_a_gpu_learns_what_the_cpu_learns():
    loading.prepare(0, 1)
    last = {}
    for place in ("cpu", "cuda"):
        tokenizer = families.train_tokenizer(tiny_models.TEXTS, "llama3", 512)
        model = scratch.make_model(tokenizer, tiny_models.SHAPE, 1).to(place)
        settings = {"steps": 30, "batch_size": 4, "block": 32, "learning_rate": 0.003, "seed": 1}
        losses = pretraining.pretrain(model, tokenizer, tiny_models.TEXTS, settings)
        assert len(losses) == 30 and losses[-1] < losses[0] - 1
        last[place] = losses[-1]
    assert last["cuda"] == pytest.approx(last["cpu"], rel=0.05)


@pytest.mark.gpu
@gpu
def test_answers_together_on_a_gpu(tmp_path):
    """The same tokens, or another one only where the logits of both are within the rounding of a batched product."""
    folder = tiny_models.make_base(tmp_path / "base", "llama3")
    convert.convert(folder, tmp_path / "f16.gguf")
    model = gguf_model.load(tmp_path / "f16.gguf", 512, 1)
    prompts = [list(range(10, 20 + 7 * n)) for n in range(8)]
    alone = [list(gguf_model.greedy_tokens(model, prompt, [], 24)) for prompt in prompts]
    together = batch.generate_batch(model, [], 24, 8, max(map(len, prompts)))(prompts)
    pieces = gguf_model.pieces_of(gguf_model.load(tmp_path / "f16.gguf", 512, 1))
    for prompt, one, other in zip(prompts, alone, together, strict=True):
        place = first_difference(one, other)
        if place is not None:
            ids = [*prompt, *one[: place + 1]]
            ((row,),) = pieces(ids, len(ids) - 1)
            assert abs(row[one[place]] - row[other[place]]) < 0.05
