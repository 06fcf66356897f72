"""The probe's likelihoods through transformers and llama.cpp, against each option read by itself."""

import pytest
import tiny_models
import torch
from tatara.evaluate import probe, probe_gguf, probe_transformers
from tatara.llama import convert, gguf_model
from tatara.models import chat, loading
from tatara.models.tokenizer import load_tokenizer

CONVERSATION = tiny_models.CONVERSATION
ITEMS = [
    {
        "id": f"p{n}",
        "kind": "forward",
        "type": "REQUIRES",
        "taught": n % 2 == 0,
        "node": f"n{n // 2}",
        "question": "堤防" * (1 + n % 3) + "に要るものを答えてください。",
        "without": "名前を一つ答えてください。",
        "options": ["点検", "堤防の巡視と点検", "m", f"第{n}回の補修"],
        "answer": n % 4,
    }
    for n in range(21)
]


@pytest.fixture(scope="module", params=["llama3", "unigram"])
def work(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    base = tiny_models.make_base(folder / "base", request.param)
    convert.convert(base, folder / "f16.gguf")
    return load_tokenizer(base), loading.load_model(base, torch.device("cpu")), folder / "f16.gguf"


def alone(tokenizer, model, question: str, option: str) -> float:
    """Return the nats of an option after a question, read by itself in one pass."""
    prompt = chat.prompt_text(tokenizer, question, CONVERSATION)
    start = len(chat.encode_text(tokenizer, prompt))
    ids = chat.encode_text(tokenizer, prompt + option)
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return -sum(logits[place - 1, ids[place]].item() for place in range(start, len(ids)))


def test_options_that_share_a_prompt_are_as_likely_as_each_by_itself(work):
    tokenizer, model, file = work
    encoded = probe.Probe(tokenizer, ITEMS, CONVERSATION)
    rows = encoded.rows("a", probe_transformers.transformers_score(model))
    assert [row["id"] for row in rows] == [item["id"] for item in ITEMS]
    for item, row in zip(ITEMS, rows, strict=True):
        for nats, question in ((row["nats"], item["question"]), (row["nats_without"], item["without"])):
            expected = [alone(tokenizer, model, question, option) for option in item["options"]]
            assert nats == pytest.approx(expected, abs=2e-4)
    loaded = gguf_model.load(file, 512, 1)
    by_llama = encoded.rows("a", probe_gguf.llama_score(loaded, encoded.longest))
    for row, other in zip(rows, by_llama, strict=True):
        for key in ("nats", "nats_without"):
            assert other[key] == pytest.approx(row[key], abs=0.01)
