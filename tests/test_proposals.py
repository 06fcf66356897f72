"""What a language model proposes of a passage: what is kept, what is rejected and why, and a real model."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from pipeline_copy import REPOSITORY
from proxy import HttpProxy
from tatara.draft.accept import accept
from tatara.draft.build import draft_domain
from tatara.draft.language_model import LanguageModel
from tatara.draft.proposals import REASONS, Passage, check_output, propose, render
from tatara.draft.table import read_draft
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


RULED = "内検とは、巣箱を開けて女王蜂、産卵、貯蜜、病気の兆しを短い時間で確かめる作業をいう。"


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


def by_hand(**rows) -> bytes:
    """Return a server's reply with these rows."""
    return json.dumps({"choices": [{"message": {"content": output(**rows)}, "finish_reason": "stop"}]}).encode()


@pytest.fixture
def proxy(llama_server, monkeypatch):
    """Before the real server: what it stands in for is said by hand, one reply after another."""
    monkeypatch.setenv("TATARA_TEST_KEY", llama_server.key)
    with HttpProxy(llama_server.url.removesuffix("/v1")) as proxy:
        yield proxy


def test_a_real_model_is_asked_and_held_to_the_schema(proxy, tmp_path):
    """Of a model of random words nothing is kept; the reply by hand takes the road of its own replies."""
    settings = {"model": "tiny", "template": "{{ passage }} {{ types | length }}", "where": "p.md", "types": TYPES}
    settings |= {"limit": 1024, "finished": tmp_path / "unfinished.jsonl", "seed": 1}
    server = Server(proxy.url + "/v1", 60, "TATARA_TEST_KEY", attempts=1)
    proxy.faults["/v1/chat/completions"] = [by_hand(relations=[SMOKER]), None]
    (kept,), counted = propose([PASSAGE, replace(PASSAGE, start=900)], server, **settings)
    assert kept.evidence.text == SMOKER["evidence"] and counted["kept"] == 1
    assert list(counted) == list(REASONS) and counted["no rows in the output"] == 0
    with pytest.raises(InputError, match="do not fit a context of 256 tokens"):
        propose([PASSAGE], server, **settings | {"context": 256})


def test_a_draft_takes_in_what_a_model_proposes_and_goes_on_where_it_broke_off(proxy, tmp_path):
    text = f"# 手引き\n\n## 第1章 巣箱\n\n### 第1節 内検\n\n{RULED}\n\n### 第2節 道具\n\n{TEXT}\n"
    (tmp_path / "guide.md").write_text(text, encoding="utf-8")
    model = LanguageModel(Server(proxy.url + "/v1", 60, "TATARA_TEST_KEY", attempts=1), "tiny")
    fact = INTERVAL | {"text": "内検は、分蜂を防ぐために、群れの様子を見ながら10日に1回の間隔で行います。"}
    replies = [by_hand(), by_hand(relations=[SMOKER], facts=[fact, INTERVAL])]
    proxy.faults["/v1/chat/completions"] = [replies[0], 500]
    with pytest.raises(InputError, match="HTTP 500"):
        draft_domain([str(tmp_path / "guide.md")], tmp_path / "bees", REPOSITORY, model=model)
    proxy.faults["/v1/chat/completions"] = [replies[1]]  # the first passage is not asked about again
    draft_domain([str(tmp_path / "guide.md")], tmp_path / "bees", REPOSITORY, model=model)
    told = json.loads((tmp_path / "bees/draft/proposals.json").read_text(encoding="utf-8"))
    assert told["model"]["model"] == "tiny" and told["proposed"]["kept"] == 3
    assert told["kept"] == {"taken": 2, "drafted already": 0, "fact too short or too long": 1}
    tables = {name: [row for _, row in read_draft(tmp_path / "bees", name)] for name in ("nodes", "relations", "facts")}
    (relation,) = [row for row in tables["relations"] if row["type"] == "USED_FOR" and row["start_name"] == "燻煙器"]
    assert relation["reason"] == relation["evidence"] == SMOKER["evidence"] and relation["section"] == "第2節 道具"
    (taken,) = [row for row in tables["facts"] if row["text"] == fact["text"]]
    assert (taken["node_name"], taken["topic"], taken["status"]) == ("内検", "内検", "draft")
    whole = (tmp_path / "bees/draft/text/guide.md.txt").read_text(encoding="utf-8")
    assert whole[int(taken["span_start"]) : int(taken["span_end"])] == INTERVAL["evidence"]
    assert {"燻煙器", "内検"} <= {row["name"] for row in tables["nodes"]}
    accept(tmp_path / "bees", REPOSITORY, everything=True)
    assert fact["text"] in (tmp_path / "bees/facts.csv").read_text(encoding="utf-8")
