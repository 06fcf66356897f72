"""Rephrased pairs: what is kept, what is rejected and why, and a real model that is asked."""

import json

import pytest
from domain_small import graph, graph_with_facts, templates
from pipeline_copy import REPOSITORY
from proxy import HttpProxy
from tatara.data.augment import REASONS, Terms, augment, judge, render
from tatara.data.pairs import make_pairs
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.job.errors import InputError
from tatara.llm.ollama import Server

PROMPT = REPOSITORY / "resources/augment/prompt.md"
PAIR = {
    "id": "0123456789abcdef",
    "question": "燻煙器は内検でどう使うのか。",
    "category": "養蜂",
    "answer": "内検では燻煙器で煙を3回送る（養蜂の手引き 第1章 巣箱の管理）。",
}


def output(
    question: str = "内検のとき燻煙器をどのように用いますか。",
    answer: str = "煙を3回、燻煙器から送って内検する。養蜂の手引き、第1章 巣箱の管理。",
) -> str:
    return json.dumps({"question": question, "answer": answer}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (output(), "kept"),
        (output(answer="煙を３回、燻煙器から送って内検する。養蜂の手引き、第１章巣箱の管理。"), "kept"),
        ("燻煙器…", "no pair in the output"),
        ('{"question": "内検"}', "no pair in the output"),
        (output(answer=" "), "no pair in the output"),
        (output(question="燻煙器は、内検でどう使うのか?"), "question unchanged"),
        (output(question="内検のとき煙の道具をどのように用いますか。"), "name missing"),
        (output(answer="煙を3回送って内検する。養蜂の手引き、第1章 巣箱の管理。"), "name missing"),
        (output(answer="煙を3回、燻煙器から送って内検する。養蜂の手引き、巣箱の管理。"), "citation missing"),
        (output(answer="煙を3回、燻煙器から送って内検する。第1章 巣箱の管理。"), "citation missing"),
        (output(answer="煙を2回、燻煙器から送って内検する。養蜂の手引き、第1章 巣箱の管理。"), "number changed"),
        (output(answer="煙を3回、5分、燻煙器から送って内検する。養蜂の手引き、第1章 巣箱の管理。"), "number changed"),
        (output(question="内検に入る前、蜂を落ち着かせるには燻煙器をどう扱えばよいですか。"), "near a test question"),
    ],
)
def test_what_lost_a_name_a_citation_or_a_number_is_rejected(text, outcome):
    testset = [{"id": "q1", "label": "x", "question": "内検に入る前、蜂を落ち着かせるには煙をどう扱えばよいですか。"}]
    found, pair = judge(PAIR, text, Terms(graph()), testset, 0.5)
    assert found == outcome and found in REASONS
    assert (pair is None) == (outcome != "kept")
    if pair:
        assert pair["rephrased_from"] == PAIR["id"] and pair["id"] != PAIR["id"] and pair["category"] == "養蜂"


def test_the_rule_reads_the_facts_whose_terms_must_stay():
    rules = (REPOSITORY / "rules/qa.smk").read_text(encoding="utf-8")
    assert 'facts="results/graph/facts.csv"' in rules[rules.index("rule qa_augmented:") : rules.index("rule pool:")]


def test_the_terms_of_its_facts_stay_in_a_pair():
    own = graph_with_facts()
    names = {node.name for node in own.nodes.values()}
    fact, term = next((fact, term) for fact in own.facts for term in fact.terms if term not in names)
    pair = {**PAIR, "question": "何をしますか。", "answer": f"{term}を確かめます。", "facts": [f"{fact.id}:1"]}
    kept, lost = output("何を行いますか。", f"確かめるのは{term}です。"), output("何を行いますか。", "確かめます。")
    found, rephrased = judge(pair, kept, Terms(own), [], 0.5)
    assert found == "kept" and rephrased["facts"] == [f"{fact.id}:rephrased"]
    assert judge(pair, lost, Terms(own), [], 0.5) == ("term missing", None)
    assert judge({**pair, "facts": []}, lost, Terms(own), [], 0.5)[0] == "kept"


def test_the_prompt_names_what_must_stay(tmp_path):
    text = render(PROMPT.read_text(encoding="utf-8"), PROMPT, PAIR, Terms(graph()))
    assert "質問：内検、燻煙器\n" in text and "第1章 巣箱の管理" in text and PAIR["answer"] in text
    with pytest.raises(InputError, match=r"p\.md:1: 'anwser' is undefined"):
        render("{{ anwser }}", "p.md", PAIR, Terms(graph()))


@pytest.mark.services
def test_a_real_model_is_asked_and_a_killed_run_goes_on(ollama_server, tmp_path):
    pairs = sorted(make_pairs(graph(), templates(), None, 1), key=lambda pair: len(pair["answer"]))[:3]
    write_jsonl(tmp_path / "pairs.jsonl", pairs)
    settings = {"model": "smollm2", "temperature": 0.7, "context": 1024, "max_tokens": 16}

    # A short prompt: a model that reads little Japanese reads all of it slowly.
    (tmp_path / "prompt.md").write_text("{{ question }} {{ answer_terms | length }}", encoding="utf-8")

    def run(url: str, parallel: int) -> None:
        augment(
            pairs=tmp_path / "pairs.jsonl",
            graph=graph(),
            testset=[],
            threshold=0.5,
            prompt=tmp_path / "prompt.md",
            settings=settings,
            server=Server(url, 400, attempts=1),
            parallel=parallel,
            seed=1,
            output=tmp_path / "out.jsonl",
            counts=tmp_path / "out.csv",
            finished=tmp_path / "partial.jsonl",
        )

    with HttpProxy(ollama_server.url, {"/api/chat": [None, 500]}) as proxy:
        with pytest.raises(InputError, match="HTTP 500"):
            run(proxy.url, 1)
        assert not (tmp_path / "out.jsonl").exists()
        proxy.asked.clear()
        run(proxy.url, 2)
        assert proxy.asked.count("/api/chat") == 2
    counts = dict(line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:])
    assert list(counts) == list(REASONS) and sum(map(int, counts.values())) == 3
    assert len(read_jsonl(tmp_path / "out.jsonl")) == int(counts["kept"])
    with pytest.raises(InputError, match=r"run `ollama pull nobody`"):
        settings["model"] = "nobody"
        run(ollama_server.url, 1)
