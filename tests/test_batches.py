"""Questions answered together: the same answers as one by one, times of a sample, and a run that goes on after an
interruption.
"""

import csv
import json
from pathlib import Path

import pytest
import tiny_models
import torch
from tatara.evaluate import answers, batches, greedy
from tatara.job.errors import InputError
from tatara.llama import batch, convert, gguf_model
from tatara.measure import results
from tatara.models import chat, loading

LIMIT = 12
ROWS = [
    {
        "id": f"q{n}",
        "category": "設計",
        "reference": "点検する。",
        "question": "堤防" * (1 + 3 * n) + "はいつ点検するか。",
    }
    for n in range(5)
]


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("together")
    base = tiny_models.make_base(folder / "base", "llama3")
    tiny_models.train(folder / "trained", base)
    convert.convert(base, folder / "f16.gguf")
    tokenizer = loading.load_tokenizer(base)
    prompts = [chat.encode_prompt(tokenizer, row["question"], tiny_models.SYSTEM) for row in ROWS]
    assert len(set(map(len, prompts))) > 2  # padding and places matter only where lengths differ
    return {
        "folder": folder,
        "base": base,
        "adapter": folder / "trained/adapter",
        "f16": folder / "f16.gguf",
        "prompts": prompts,
    }


def stops_of(answers: list[list[int]]) -> list[int]:
    """Return a token that ends some answers early and others not, so that places are given up and taken."""
    for token in [token for answer in answers for token in answer[2:6]]:
        ended = [token in answer for answer in answers]
        if any(ended) and not all(ended):
            return [token]
    pytest.fail("no token tells these answers apart")


def test_llama_cpp_gives_the_same_answers_together(work):
    model = gguf_model.load(work["f16"], 512, 1)
    free = [greedy.llama_generate(model, [], LIMIT)(prompt) for prompt in work["prompts"]]
    stops = stops_of(free)
    alone = [greedy.llama_generate(model, stops, LIMIT)(prompt) for prompt in work["prompts"]]
    assert len(set(map(len, alone))) > 1
    generate = batch.generate_batch(model, stops, LIMIT, len(alone), max(map(len, work["prompts"])))
    assert generate(work["prompts"]) == alone
    assert generate(work["prompts"][::-1]) == alone[::-1], "a second batch takes the places of the first"


def test_transformers_gives_the_same_answers_together(work):
    tokenizer, model = loading.load_tokenizer(work["base"]), loading.load_model(work["base"], torch.device("cpu"))
    stops = stops_of(
        [
            greedy.transformers_generate(model, tokenizer, [tokenizer.eos_token_id], LIMIT)(prompt)
            for prompt in work["prompts"]
        ]
    )
    alone = [greedy.transformers_generate(model, tokenizer, stops, LIMIT)(prompt) for prompt in work["prompts"]]
    assert len(set(map(len, alone))) > 1
    assert batches.transformers_batch(model, tokenizer, stops, LIMIT)(work["prompts"]) == alone


def answer(work: dict, folder: Path, fmt: str = "f16", **changes) -> list[dict]:
    folder.mkdir(exist_ok=True)
    arguments = {
        "rows": ROWS,
        "fmt": fmt,
        "base": work["base"],
        "file": work["f16"],
        "adapter": work["adapter"],
        "answers": folder / "a.jsonl",
        "times": folder / "a.csv",
        "partial": folder / "partial.jsonl",
        "system": tiny_models.SYSTEM,
        "limit": LIMIT,
        "context": 512,
        "threads": 1,
        "device": "cpu",
        "batch_size": 2,
        "timed": 2,
    }
    answers.answer_all(**(arguments | changes))
    return [json.loads(line) for line in (folder / "a.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("fmt", ["f16", "nf4"])
def test_answers_and_times(work, tmp_path, fmt):
    alone = answer(work, tmp_path / "alone", fmt, batch_size=1)
    assert answer(work, tmp_path / "together", fmt) == alone
    with (tmp_path / "together/a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    assert [bool(row["seconds"]) for row in rows] == [True, False, True, False, False]
    assert [int(row["tokens"]) for row in rows] == [row["tokens"] for row in alone]
    assert not any(row["differs_at"] for row in rows)
    with (tmp_path / "alone/a.csv").open() as file:
        assert all(float(row["seconds"]) > 0 for row in csv.DictReader(file))


def test_an_interrupted_run_repeats_no_whole_batch(work, tmp_path, monkeypatch):
    whole = answer(work, tmp_path / "whole")
    asked, original = [], batch.BatchContext.generate

    def counting(self, prompts, stops):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(len(prompts))
        return original(self, prompts, stops)

    with monkeypatch.context() as patch:
        patch.setattr(batch.BatchContext, "generate", counting)
        with pytest.raises(KeyboardInterrupt):
            answer(work, tmp_path / "cut")
        asked.clear()
        assert answer(work, tmp_path / "cut") == whole
    assert asked == [1], "the batches of two were there already"
    assert not (tmp_path / "cut/partial.jsonl").exists()


def test_where_two_answers_part():
    assert batches.first_difference([1, 2, 3], [1, 2, 3]) is None
    assert batches.first_difference([1, 2, 3], [1, 5, 3]) == 1
    assert batches.first_difference([1, 2], [1, 2, 3]) == 2


def test_too_many_at_once_is_an_error(work):
    with pytest.raises(InputError, match=r"evaluate\.batch_size is 300: llama\.cpp takes 256 at most"):
        batch.BatchContext(gguf_model.load(work["f16"], 512, 1), 300, 10, 10)


def test_answers_without_a_time_are_left_out_of_the_mean(tmp_path):
    head = "id,question,category,score,reason,judge,repeat,valid,seconds,characters,prompt_digest\n"
    (tmp_path / "judge_m_f16.csv").write_text(
        head + "a,q,c,3,r,rubric,1,True,2.0,5,x\nb,q,c,1,r,rubric,1,True,,5,x\n", encoding="utf-8"
    )
    found = results.read_judge(tmp_path / "judge_m_f16.csv")
    assert found["seconds"].dropna().to_list() == [2.0]
    assert found["score"].to_list() == [3, 1]


def test_prompts_longer_than_one_decode(work):
    """Prompts are read in groups of a decode's size, and one that is longer takes several decodes."""
    model = gguf_model.load(work["f16"], 512, 1)
    alone = [greedy.llama_generate(model, [], LIMIT)(prompt) for prompt in work["prompts"]]
    context = batch.BatchContext(model, len(alone), max(map(len, work["prompts"])), LIMIT)
    lengths = sorted(map(len, work["prompts"]))
    for chunk in (lengths[0] + lengths[1], lengths[-1] - 5):
        context.chunk = chunk
        assert context.generate(work["prompts"], []) == alone
    assert len(next(context._groups(work["prompts"]))) == 1
