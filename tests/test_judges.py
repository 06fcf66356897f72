"""The rubric judge (paper §3.2)."""

import csv

import pytest
from pipeline_copy import REPOSITORY
from tatara.evaluate.judge_file import COLUMNS
from tatara.evaluate.rubric import judge_rubric, rubric
from tatara.files.jsonl import read_jsonl, write_jsonl

FACTS = [["出水期前", "出水期の前"], ["年1回", "年一回"]]
PLACES = [{"volume": "設計編", "chapter": "第1章 河川構造物の設計", "section": "第2節 堤防"}]


@pytest.mark.parametrize(
    ("answer", "score", "reason"),
    [
        ("出水期前に年１回点検する（設計編 第1章）。", 3, "cites 設計編"),
        ("出水期の前に年 1 回点検する。設計編の河川構造物の設計による。", 3, "cites"),
        ("出水期前に年一回点検する。設計編の「堤防」にある。", 3, "cites"),
        ("出水期前に年1回点検する。第1章による。", 2, "no citation such as 設計編 第1章"),
        ("出水期前に年1回点検する。設計編による。", 2, "no citation"),
        ("出水期前に点検する（設計編 第1章）。", 1, "1 of 2 required facts; missing: 年1回"),
        ("分からない（設計編 第1章）。", 0, "none of 2"),
        (" \n", 0, "no answer"),
    ],
)
def test_scores(answer, score, reason):
    verdict = rubric(answer, FACTS, PLACES)
    assert verdict.score == score
    assert reason in verdict.reason


def test_every_reference_scores_3_and_a_shifted_one_0():
    rows = read_jsonl(REPOSITORY / "resources/testset/test_set_200.jsonl")
    for row, other in zip(rows, rows[1:] + rows[:1], strict=True):
        assert rubric(row["reference"], row["facts"], row["citations"]).score == 3, row["id"]
        assert rubric(other["reference"], row["facts"], row["citations"]).score == 0, (row["id"], other["id"])
        assert rubric(row["question"], row["facts"], row["citations"]).score == 0, row["id"]
        best = max(
            rubric(any_other["reference"], row["facts"], row["citations"]).score
            for any_other in rows
            if any_other is not row
        )
        assert best <= 1, row["id"]


def test_the_judge_file(tmp_path):
    row = {"id": "q001", "category": "設計", "question": "いつ点検するか。", "facts": FACTS, "citations": PLACES}
    write_jsonl(tmp_path / "a.jsonl", [{"id": "q001", "answer": "出水期前に年1回。"}])
    (tmp_path / "t.csv").write_text("id,seconds,tokens\nq001,1.5000,9\n")
    judge_rubric(
        name="rubric", rows=[row], answers=tmp_path / "a.jsonl", times=tmp_path / "t.csv", output=tmp_path / "j.csv"
    )
    with (tmp_path / "j.csv").open(encoding="utf-8") as file:
        (found,) = csv.DictReader(file)
    assert tuple(found) == COLUMNS
    assert (found["score"], found["seconds"], found["characters"], found["valid"]) == ("2", "1.5000", "9", "True")
