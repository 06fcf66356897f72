"""Answers by both engines in process, one by one and in batches; times of a sample; a run that goes on after a kill."""

import csv
import json
from pathlib import Path

import pytest
import tiny_models
import torch
from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.answers_gguf import answer_gguf
from tatara.evaluate.answers_nf4 import answer_nf4, greedy
from tatara.job import digests
from tatara.job.errors import InputError
from tatara.llama import batch, convert, gguf_model
from tatara.measure import results
from tatara.models import chat, loading
from tatara.models.differences import first_difference
from tatara.models.tokenizer import load_tokenizer

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
    folder = tmp_path_factory.mktemp("answers")
    base = tiny_models.make_base(folder / "base", "llama3")
    tiny_models.train(folder / "trained", base)
    convert.convert(base, folder / "f16.gguf")
    tokenizer = load_tokenizer(base)
    prompts = [chat.encode_prompt(tokenizer, row["question"], tiny_models.CONVERSATION) for row in ROWS]
    assert len(set(map(len, prompts))) > 2  # padding and places matter only where lengths differ
    return {
        "folder": folder,
        "base": base,
        "adapter": folder / "trained/adapter",
        "f16": folder / "f16.gguf",
        "prompts": prompts,
    }


def llama_cpp_answers(work: dict, stops: list[int]) -> list[list[int]]:
    """Return the answers of llama.cpp one by one."""
    model = gguf_model.load(work["f16"], 512, 1)
    return [list(gguf_model.greedy_tokens(model, prompt, stops, LIMIT)) for prompt in work["prompts"]]


def stops_of(answers: list[list[int]]) -> list[int]:
    """Return a token that ends some answers early and others not, so that places are given up and taken."""
    for token in [token for answer in answers for token in answer[2:6]]:
        ended = [token in answer for answer in answers]
        if any(ended) and not all(ended):
            return [token]
    pytest.fail("no token tells these answers apart")


def test_llama_cpp_gives_the_same_answers_in_a_batch(work):
    stops = stops_of(llama_cpp_answers(work, []))
    alone = llama_cpp_answers(work, stops)
    assert len(set(map(len, alone))) > 1
    model = gguf_model.load(work["f16"], 512, 1)
    generate = batch.generate_batch(model, stops, LIMIT, len(alone), max(map(len, work["prompts"])))
    assert generate(work["prompts"]) == alone
    assert generate(work["prompts"][::-1]) == alone[::-1], "a second batch takes the places of the first"


def test_transformers_gives_the_same_answers_in_a_batch_and_those_of_llama_cpp(work):
    tokenizer, model = load_tokenizer(work["base"]), loading.load_model(work["base"], torch.device("cpu"))
    stops = stops_of(llama_cpp_answers(work, []))
    generate = greedy(model, tokenizer, stops, LIMIT)
    alone = [generate([prompt])[0] for prompt in work["prompts"]]
    assert len(set(map(len, alone))) > 1
    assert generate(work["prompts"]) == alone == llama_cpp_answers(work, stops)


def answer(work: dict, folder: Path, fmt: str = "f16", **changes) -> list[dict]:
    """Answer ROWS in a format and return what was written."""
    folder.mkdir(exist_ok=True)
    arguments = {
        "base": work["base"],
        "rows": ROWS,
        "conversation": tiny_models.CONVERSATION,
        "limit": LIMIT,
        "context": 512,
        "threads": 1,
        "batch_size": 2,
        "timed": 2,
        "files": AnswerFiles(folder / "a.jsonl", folder / "a.csv", folder / "finished.jsonl"),
    } | changes
    if fmt == "nf4":
        answer_nf4(**{"adapter": work["adapter"], "device": "cpu", "precision": "nf4"} | arguments)
    else:
        answer_gguf(file=work["f16"], fmt=fmt, **arguments)
    return [json.loads(line) for line in (folder / "a.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("fmt", ["f16", "nf4"])
def test_answers_and_times(work, tmp_path, fmt):
    alone = answer(work, tmp_path / "alone", fmt, batch_size=1)
    assert answer(work, tmp_path / "batches", fmt) == alone
    assert [row["id"] for row in alone] == [row["id"] for row in ROWS]
    with (tmp_path / "batches/a.csv").open() as file:
        times = list(csv.DictReader(file))
    assert [row["id"] for row in times] == [row["id"] for row in ROWS]
    assert [bool(row["seconds"]) for row in times] == [True, False, True, False, False]
    assert [int(row["tokens"]) for row in times] == [row["tokens"] for row in alone]
    assert not any(row["differs_at"] for row in times)
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
    assert not (tmp_path / "cut/finished.jsonl").exists()


def test_an_interrupted_run_asks_no_question_twice(work, tmp_path, monkeypatch):
    whole = answer(work, tmp_path / "whole", batch_size=1)
    asked, original = [], gguf_model.greedy_tokens

    def counting(model, prompt, stops, limit):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(prompt)
        return original(model, prompt, stops, limit)

    with monkeypatch.context() as patch:
        patch.setattr(gguf_model, "greedy_tokens", counting)
        with pytest.raises(KeyboardInterrupt):
            answer(work, tmp_path / "cut", batch_size=1)
        assert not (tmp_path / "cut/a.jsonl").exists()
        patch.setattr(
            gguf_model, "greedy_tokens", lambda *arguments: asked.append(arguments[1]) or original(*arguments)
        )
        assert answer(work, tmp_path / "cut", batch_size=1) == whole
    assert asked == work["prompts"]
    assert not (tmp_path / "cut/finished.jsonl").exists()


def test_a_context_that_is_too_small_is_an_error(work, tmp_path):
    with pytest.raises(InputError, match=r"do not fit config key evaluate\.context, 16: raise it"):
        answer(work, tmp_path / "small", context=16)


@pytest.mark.parametrize("fmt", ["f16", "nf4"])
def test_a_composed_prompt_is_read_and_the_question_is_kept(work, tmp_path, fmt):
    """A row with the prompt of another question gets that question's answer, and its own question in the file."""
    rows = [ROWS[0] | {"prompt": ROWS[2]["question"]}]
    composed = answer(work, tmp_path / "composed", fmt, rows=rows, batch_size=1)
    plain = answer(work, tmp_path / "plain", fmt, rows=[ROWS[2]], batch_size=1)
    assert composed[0]["answer"] == plain[0]["answer"] and composed[0]["question"] == ROWS[0]["question"]
    with (tmp_path / "composed/a.csv").open() as file:
        assert [int(row["prompt_tokens"]) for row in csv.DictReader(file)] == [len(work["prompts"][2])]
    remedy = r"lower evaluate\.max_new_tokens \(models\.NAME\.max_new_tokens\), or graph_at_hand\.lines"
    with pytest.raises(InputError, match=remedy):
        answer(work, tmp_path / "small", fmt, rows=rows, context=16)


def test_without_an_adapter_the_base_answers_untuned(work, tmp_path):
    untuned = answer(work, tmp_path / "untuned", "nf4", adapter=None, precision="bf16", batch_size=1)
    assert untuned == answer(work, tmp_path / "gguf", "f16", batch_size=1), "the F16 file is of the base"


@pytest.mark.parametrize(
    ("script", "others"),
    [
        ("answers_gguf", {"answers_nf4", "answers_ollama", "nll", "deploy", "ollama", "llm_judges"}),
        ("answers_nf4", {"answers_gguf", "answers_ollama", "gguf_model", "batch", "nll", "ollama"}),
        ("answers_ollama", {"answers_gguf", "answers_nf4", "generation", "gguf_model", "nll", "deploy"}),
        ("nll_adapter", {"nll_gguf", "gguf_model", "answers", "generation"}),
        ("nll_gguf", {"nll_adapter", "answers", "generation"}),
        ("judge_rubric", {"llm_judges", "judge_llama_cpp", "judge_server", "answers"}),
        ("judge_llama_cpp", {"judge_server", "ollama", "openai", "rubric", "answers"}),
        ("judge_ollama", {"judge_llama_cpp", "gguf_model", "openai", "rubric", "answers"}),
        ("judge_openai", {"judge_llama_cpp", "gguf_model", "ollama", "rubric", "answers"}),
        ("modelfile", {"deploy", "ollama"}),
    ],
)
def test_an_edit_to_one_engine_or_judge_makes_nothing_again_with_another(script, others):
    reached = {file.stem for file in digests.reached(script)}
    assert {script.removeprefix("judge_") if script == "judge_rubric" else script} <= reached
    assert not others & reached


def test_where_two_answers_part():
    assert first_difference([1, 2, 3], [1, 2, 3]) is None
    assert first_difference([1, 2, 3], [1, 5, 3]) == 1
    assert first_difference([1, 2], [1, 2, 3]) == 2


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
    alone = llama_cpp_answers(work, [])
    context = batch.BatchContext(model, len(alone), max(map(len, work["prompts"])), LIMIT)
    lengths = sorted(map(len, work["prompts"]))
    for chunk in (lengths[0] + lengths[1], lengths[-1] - 5):
        context.chunk = chunk
        assert context.generate(work["prompts"], []) == alone
    assert len(next(context._groups(work["prompts"]))) == 1
