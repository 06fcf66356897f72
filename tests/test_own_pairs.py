"""Question-answer pairs of one's own: three forms, what becomes of conversations, what is left out and why."""

import json
from pathlib import Path

import pytest
import yaml
from domain_small import read_csv
from pipeline_copy import Copy
from tatara.data.left_out import LeftOut
from tatara.data.own_pairs import (
    ALL,
    EMPTY,
    FURTHER_TURNS,
    NO_TEXT,
    OWN,
    REPEATED,
    SYSTEM,
    UNANSWERED,
    UNNAMED,
    UNSTRATIFIED,
    read_own_pairs,
)
from tatara.data.schema import NO_CATEGORY
from tatara.data.subsets import nested_subsets
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError

ASKED, SAID = "内検は何日ごとに行いますか。", "春から夏は7日から10日ごとに行います。"
WANTED = (ASKED, SAID)
ALPACA = {"instruction": ASKED, "input": "", "output": SAID}
SHAREGPT = {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]}
MESSAGES = {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]}


def said(*turns: str) -> dict:
    """Return a conversation in `messages`, turns as `user: …`."""
    pairs = (turn.split(": ", 1) for turn in turns)
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


def read(folder: Path, *rows: dict, stratify_by: str | None = None, **options) -> tuple[list[dict], LeftOut]:
    left_out = LeftOut()
    write_jsonl(folder / "own.jsonl", rows)
    return read_own_pairs([folder / "own.jsonl"], stratify_by, left_out, **options), left_out


def both(pairs: list[dict]) -> list[tuple[str, str]]:
    return [(pair["question"], pair["answer"]) for pair in pairs]


@pytest.mark.parametrize("row", [ALPACA, SHAREGPT, MESSAGES], ids=["alpaca", "sharegpt", "messages"])
@pytest.mark.parametrize("array", [False, True])
def test_each_form_is_read_by_lines_and_as_one_array(tmp_path, row, array):
    path = tmp_path / "own.json"
    path.write_text(json.dumps([row] if array else row, ensure_ascii=False, indent=2 if array else None), "utf-8")
    (pair,) = read_own_pairs([path], None, LeftOut())
    assert both([pair]) == [WANTED]
    assert (pair["relation_type"], pair["version"], pair["category"], pair["facts"]) == (ALL, OWN, NO_CATEGORY, [])
    assert pair["template"] == f"own.json:{2 if array else 1}", "a pair says where it is from"


def test_an_input_follows_the_instruction(tmp_path):
    pairs, _ = read(tmp_path, ALPACA | {"instruction": "次の文を直してください。", "input": "煙は熱いほど良い。"})
    assert pairs[0]["question"] == "次の文を直してください。\n煙は熱いほど良い。"


def test_a_conversation_gives_its_first_question_and_answer_and_says_what_it_leaves_out(tmp_path):
    turns = [f"user: {ASKED}", f"assistant: {SAID}", "user: では冬は。", "assistant: 行いません。"]
    pairs, left_out = read(
        tmp_path, said("system: 養蜂の相談員です。", *turns), said("assistant: こんにちは。", *turns[2:])
    )
    assert both(pairs) == [WANTED, ("では冬は。", "行いません。")]
    assert left_out.counts == {SYSTEM: 1, FURTHER_TURNS: 1}
    assert left_out.examples[FURTHER_TURNS] == [f"{tmp_path}/own.jsonl:1: 2 turns"]
    assert not FURTHER_TURNS.asked_for and SYSTEM.asked_for, "the data page warns of lost turns"


def test_what_is_no_pair_is_counted_with_its_reason_and_place(tmp_path):
    image = {
        "messages": [{"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "蜂。"}]
    }
    parts = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "何ですか。"}]}, MESSAGES["messages"][1]]
    }
    rows = [ALPACA, MESSAGES, ALPACA | {"output": " "}, ALPACA | {"instruction": "。"}, said("user: なぜですか。")]
    rows += [said("user: 一つ。", "user: 二つ。", "assistant: はい。"), image, parts]
    pairs, left_out = read(tmp_path, *rows)
    assert both(pairs) == [WANTED, ("何ですか。", SAID)]
    assert left_out.counts == {REPEATED: 1, EMPTY: 2, UNANSWERED: 2, NO_TEXT: 1}
    assert left_out.examples[EMPTY] == [f"{tmp_path}/own.jsonl:{line}" for line in (3, 4)]
    assert set(left_out.totals.values()) == {8}


def test_questions_that_stand_already_are_not_asked_twice(tmp_path):
    (pair,), _ = read(tmp_path, ALPACA)
    second = ALPACA | {"instruction": "採蜜はいつですか。"}
    pairs, left_out = read(tmp_path, ALPACA | {"instruction": f"{ASKED} "}, second, standing=[pair["id"]])
    assert [pair["question"] for pair in pairs] == ["採蜜はいつですか。"] and left_out.counts[REPEATED] == 1


def test_subsets_are_stratified_by_a_field_of_choice(tmp_path):
    rows = [ALPACA | {"instruction": f"問い{i}は何ですか。", "topic": "巣箱" if i % 4 else "蜜"} for i in range(40)]
    pairs, _ = read(tmp_path, *rows, stratify_by="topic", prefix="own: ")
    assert {pair["relation_type"] for pair in pairs} == {"own: 巣箱", "own: 蜜"}
    for n, subset in nested_subsets(pairs, [8, 16], 1).items():
        assert sum(pair["relation_type"] == "own: 蜜" for pair in subset) == n / 4
    pairs, left_out = read(tmp_path, *rows, ALPACA, stratify_by="topic")
    assert pairs[-1]["relation_type"] == UNNAMED and left_out.counts[UNSTRATIFIED] == 1
    with pytest.raises(InputError, match=r"qa\.stratify_by: no pair has the field theme; name another"):
        read(tmp_path, *rows, stratify_by="theme")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "文章だけ"}, 'own.jsonl:2: expected {"instruction": …'),
        ({"conversations": []}, 'own.jsonl:2: expected {"instruction": …'),
        (ALPACA | {"output": "はい。<|im_end|>"}, "own.jsonl:2: answer holds <|im_end|>, a control token"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, row, expected):
    with pytest.raises(InputError) as error:
        read(tmp_path, SHAREGPT, row)
    assert expected in str(error.value)


def test_files_of_which_no_pair_is_left_are_named(tmp_path):
    with pytest.raises(InputError, match=r"own\.jsonl: no pair is left of 1; 1 own pairs without a question"):
        read(tmp_path, ALPACA | {"output": ""})


def test_beside_a_graph_they_stand_in_the_pool_and_the_test_set_is_kept_apart_from_them(copy: Copy):
    rows = [ALPACA | {"instruction": f"蜂場の用具{i}番は何に使いますか。", "topic": "用具"} for i in range(6)]
    write_jsonl(copy.folder / "own.jsonl", [*rows, MESSAGES])
    config = read_yaml(copy.folder / "tests/data/beekeeping/beekeeping.yaml")
    config["qa"] |= {"pairs": ["own.jsonl"], "stratify_by": "topic"}
    (copy.folder / "own.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = copy.snakemake("results/data.html", "--cores", "2", config="own.yaml")
    assert done.returncode == 0, done.stdout[-4000:]
    pool = read_jsonl(copy.folder / "results/qa/pool.jsonl")
    strata = [pair["relation_type"] for pair in pool]
    assert (strata.count("own: 用具"), strata.count("own: none")) == (6, 1) and "USES" in strata
    kinds = {row["what"]: row["count"] for row in read_csv(copy.folder / "results/qa/left_out.csv")}
    assert kinds[UNSTRATIFIED.name] == "1" and kinds[EMPTY.name] == "0"
    page = (copy.folder / "results/data.html").read_text(encoding="utf-8")
    assert "own: 用具" in page and "⚠ Own pairs without the field" in page
    test = read_jsonl(copy.folder / "tests/data/beekeeping/test_set.jsonl")[0]["question"]
    write_jsonl(copy.folder / "own.jsonl", [*rows, ALPACA | {"instruction": test}])
    done = copy.snakemake("results/testset/overlap.json", "--cores", "2", config="own.yaml")
    assert done.returncode != 0
    assert "test question q001 is training question" in (copy.folder / "results/logs/testset.log").read_text("utf-8")
