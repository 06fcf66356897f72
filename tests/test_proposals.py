"""What a language model proposes of a passage: what is kept, what is rejected and why, and a real model."""

import json
from collections import Counter

import pytest
from pipeline_copy import REPOSITORY
from proxy import HttpProxy
from tatara.draft.proposals import REASONS, Passage, check_output, propose, render
from tatara.job.errors import InputError
from tatara.llm.openai import Server

TEXT = "燻煙器は内検に用いる。内検は10日に1回行い、分蜂を防ぐ。"
PASSAGE = Passage("guide.md", "巣箱の管理", TEXT, start=100)
TYPES = ("PREVENTS", "USED_FOR")
SMOKER = {"evidence": "燻煙器は内検に用いる。", "start": "燻煙器", "type": "USED_FOR", "end": "内検"}
INTERVAL = {
    "evidence": "内検は10日に1回行い、分蜂を防ぐ。",
    "node": "内検",
    "kind": "value",
    "text": "内検は10日に1回行う。",
}


def output(relations: list = (), facts: list = ()) -> str:
    return json.dumps({"relations": list(relations), "facts": list(facts)}, ensure_ascii=False)


def test_what_the_passage_says_is_kept_with_its_span_in_the_document():
    (relation, fact), counted = check_output(output([SMOKER], [INTERVAL]), PASSAGE, TYPES)
    assert (relation.start, relation.type, relation.end) == ("燻煙器", "USED_FOR", "内検")
    assert (fact.node, fact.kind, fact.text) == ("内検", "value", "内検は10日に1回行う。")
    for proposal, row in ((relation, SMOKER), (fact, INTERVAL)):
        span = slice(proposal.evidence.start - PASSAGE.start, proposal.evidence.end - PASSAGE.start)
        assert TEXT[span] == proposal.evidence.text == row["evidence"] and proposal.evidence.passage is PASSAGE
    assert counted == {"kept": 2}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"evidence": "燻煙器は内検に使う。"}, "evidence not in the passage"),
        ({"evidence": "燻煙器は内検に用いる。分蜂を防ぐ。"}, "evidence not in the passage"),
        ({"end": "分蜂"}, "end not in the evidence"),  # in the passage, but in another sentence
        ({"start": "煙を出す道具"}, "end not in the evidence"),
        ({"end": "燻煙器"}, "both ends the same"),
        ({"type": "CAUSES"}, "unknown type"),
        ({"evidence": " "}, "field missing"),
        ({"end": 3}, "field missing"),
    ],
)
def test_a_relation_without_its_evidence_is_rejected(change, reason):
    assert check_output(output([SMOKER | change]), PASSAGE, TYPES) == ([], {reason: 1})
    assert reason in REASONS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"evidence": "内検は十日に一回行う。"}, "evidence not in the passage"),
        ({"node": "燻煙器"}, "subject not in the evidence"),
        ({"text": "内検は7日に1回行う。"}, "number not in the evidence"),
        ({"kind": "opinion"}, "unknown kind"),
        ({"text": None}, "field missing"),
    ],
)
def test_a_fact_without_its_evidence_is_rejected(change, reason):
    assert check_output(output(facts=[INTERVAL | change]), PASSAGE, TYPES) == ([], {reason: 1})
    assert reason in REASONS


def test_full_width_digits_are_the_same_numbers():
    _, counted = check_output(output(facts=[INTERVAL | {"text": "内検は１０日に１回行う。"}]), PASSAGE, TYPES)
    assert counted == {"kept": 1}


def test_rows_are_counted_one_by_one_and_each_is_kept_once():
    kept, counted = check_output(output([SMOKER, SMOKER, "?"], [INTERVAL]), PASSAGE, TYPES)
    assert len(kept) == 2 and counted == {"kept": 2, "proposed twice": 1, "field missing": 1}


@pytest.mark.parametrize("text", ["", "燻煙器", "[]", '{"relations": []}', '{"relations": 1, "facts": []}'])
def test_an_output_without_rows_is_counted(text):
    assert check_output(text, PASSAGE, TYPES) == ([], Counter({"no rows in the output": 1}))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_prompts_name_passage_types_and_kinds(language):
    file = REPOSITORY / f"resources/draft/propose_{language}.md"
    text = render(file.read_text(encoding="utf-8"), file, PASSAGE, TYPES)
    assert all(part in text for part in (TEXT, PASSAGE.heading, *TYPES, "exception"))
    with pytest.raises(InputError, match=r"p\.md:1: 'pasage' is undefined"):
        render("{{ pasage }}", "p.md", PASSAGE, TYPES)


def test_a_control_token_in_a_passage_is_text_to_the_model():
    spelt = Passage("guide.md", "", "内検<|im_end|>する。")
    assert "<|im_end|>" not in render("{{ passage }}", "p.md", spelt, TYPES)


def test_a_real_model_is_asked_and_held_to_the_schema(llama_server, monkeypatch):
    """Of a model of random words nothing is kept; the reply by hand takes the road of its own replies."""
    monkeypatch.setenv("TATARA_TEST_KEY", llama_server.key)
    prompt = "{{ passage }} {{ types | length }}"
    settings = {"model": "tiny", "template": prompt, "where": "p.md", "types": TYPES, "context": 4096, "limit": 1024}
    by_hand = {"choices": [{"message": {"content": output([SMOKER])}, "finish_reason": "stop"}]}
    with HttpProxy(llama_server.url.removesuffix("/v1")) as proxy:
        server = Server(proxy.url + "/v1", 60, "TATARA_TEST_KEY", attempts=1)
        proxy.faults["/v1/chat/completions"] = [json.dumps(by_hand).encode(), None]
        (kept,), counted = propose([PASSAGE, PASSAGE], server, **settings, seed=1)
        assert kept.evidence.text == SMOKER["evidence"] and counted["kept"] == 1
        assert list(counted) == list(REASONS) and counted["no rows in the output"] == 0
        with pytest.raises(InputError, match="do not fit a context of 256 tokens"):
            propose([PASSAGE], server, **settings | {"context": 256}, seed=1)
