"""The test set: faults are named with file and line, and it does not overlap with training."""

import json
import random
import re
from collections import Counter

import pytest
from domain_small import TEST_SET, changed, graph, schema, templates, toc
from pipeline_copy import REPOSITORY
from tatara.data.overlap import bigrams, overlap, too_near
from tatara.data.pairs import make_pairs
from tatara.data.questions import select
from tatara.data.schema import read_schema
from tatara.data.testset import load_testset
from tatara.data.toc import read_toc
from tatara.files.normalise import normalise
from tatara.job.errors import InputError


def load(path=TEST_SET):
    return load_testset(path, schema(), toc())


def test_questions_are_selected_by_label():
    rows = load()
    assert [row["id"] for row in select(rows, "curated")] == ["q001", "q002"]
    assert len(select(rows, "all")) == 3
    message = (
        r"testset\.label: no question is labelled 'human_written'; the test set has curated \(2\), generated \(1\)"
    )
    with pytest.raises(InputError, match=message):
        select(rows, "human_written")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"q002"', '"q001"', "this id stands already in line 1"),
        (
            "巣板を壊さずに蜜を取り出すには、機械の回転をどう扱うべきか。",
            "翅の縮れた個体が目立ち始めたら何を疑って動けばよいか？",
            "this question stands already in line 1",
        ),
        (
            '"difficulty": "standard"',
            '"difficulty": "hard"',
            "unknown difficulty hard; known: basic, standard, advanced",
        ),
        (
            '"category": "養蜂", "difficulty": "standard"',
            '"category": "登山", "difficulty": "standard"',
            "unknown category 登山",
        ),
        ("少しずつ回転", "ゆっくり回転", None),
        ("徐々に回転を上げる。速く", "回転を上げる。速く", "fact 1 (徐々に回転) is not in the reference"),
        (
            "回しすぎると巣板が壊れる（養蜂の手引き 第3章 採蜜）",
            "回しすぎると巣板が壊れる",
            "the reference names none of the citations; add one, such as 養蜂の手引き 第3章 採蜜",
        ),
        (
            '"chapter": "第3章 採蜜"',
            '"chapter": "第4章 採蜜"',
            "chapter '第4章 採蜜' is not in the table of contents of 養蜂の手引き; did you mean 第3章 採蜜?",
        ),
        ('[["徐々に回転", "少しずつ回転"]]', "[]", "facts is empty"),
        ('"id": "q002", ', "", "id: missing; expected text"),
        ('"id": "q002", ', '"id": "q002", "levle": 1, ', "unknown field levle"),
    ],
)
def test_a_fault_names_file_and_line(tmp_path, old, new, expected):
    path, line = changed(TEST_SET, tmp_path / "test.jsonl", old, new)
    if expected is None:
        assert len(load(path)) == 3
        return
    with pytest.raises(InputError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}:{line}: ") and expected in str(error.value)


def test_facts_are_matched_whatever_the_width_of_characters(tmp_path):
    path, _ = changed(TEST_SET, tmp_path / "test.jsonl", '["温度を確かめ"]', '["温 度を\u3000確かめ"]')
    assert len(load(path)) == 3


def test_normal_form_leaves_out_width_case_spaces_and_punctuation():
    assert normalise("ＮＦ４ とは、何か？") == normalise("nf4とは何か")
    assert normalise("ダム・堰") == "ダム堰"
    assert normalise("ダム") != normalise("タム")


def test_overlap_names_the_nearest_training_question():
    questions, pool = load(), make_pairs(graph(), templates(), None, 1)
    result = overlap(questions, pool, 0.8)
    assert [row["id"] for row in result["questions"]] == ["q001", "q002", "q003"]
    for row, question in zip(result["questions"], questions, strict=True):
        own = bigrams(question["question"])
        exact = [len(own & bigrams(pair["question"])) / len(own) for pair in pool]
        assert row["containment"] == max(exact)
        assert pool[exact.index(max(exact))]["id"] == row["nearest_id"]
    assert result["max_containment"] == max(row["containment"] for row in result["questions"]) < 0.8
    assert (result["threshold"], result["label"]) == (0.8, "curated+generated")


def test_overlap_above_the_threshold_stops():
    questions = load()
    pool = [{"id": "0123456789abcdef", "question": "秋に翅の縮れた個体が目立ち始めたら、何を疑って動くか。"}]
    with pytest.raises(InputError) as error:
        overlap(questions, pool, 0.6)
    assert "test question q001 shares 0." in str(error.value) and "0123456789abcdef" in str(error.value)
    same = [{"id": "0123456789abcdef", "question": "翅の縮れた個体が、目立ち始めたら何を疑って動けばよいか？"}]
    with pytest.raises(InputError, match="test question q001 is training question 0123456789abcdef"):
        overlap(questions, same, 1.0)


def test_what_is_left_out_is_what_overlap_would_refuse():
    questions = load()
    near = "秋に翅の縮れた個体が目立ち始めたら、何を疑って動くか。"
    same = "翅の縮れた個体が、目立ち始めたら何を疑って動けばよいか？"
    pool = [{"id": str(n), "question": text} for n, text in enumerate([near, same, "巣箱はどこに置きますか。"])]
    rows = list(too_near(questions, pool, 0.6))
    assert [row[:2] for row in rows] == [("0", "q001"), ("1", "q001")] and float(rows[0][2]) > 0.6
    assert [row[0] for row in too_near(questions, pool, 1.0)] == ["1"]
    assert overlap(questions, pool[2:], 0.6)["max_containment"] < 0.6
    assert list(too_near([], pool, 0.6)) == list(too_near(questions, [], 0.6)) == []


def test_overlap_takes_the_pool_in_one_pass():
    generator = random.Random(1)
    letters = [chr(0x3042 + i) for i in range(60)]
    pool = ({"id": str(i), "question": "".join(generator.choices(letters, k=40))} for i in range(2000))
    assert overlap(load(), pool, 0.9)["max_containment"] < 0.5
    assert (
        json.dumps(overlap(load(), [], 0.9)["questions"][0])
        == '{"id": "q001", "nearest_id": null, "nearest_question": null, "containment": 0.0}'
    )


def test_the_development_questions_are_right_and_none_is_a_question_of_the_test_set():
    """Read and checked as a test set is; of every category, in one register, and away from what is reported."""
    resources = REPOSITORY / "resources"
    places = read_schema(resources / "graph/schema.yaml"), read_toc(resources / "graph/toc.csv")
    development = load_testset(resources / "testset/dev.jsonl", *places)
    reported = load_testset(resources / "testset/test_set_200.jsonl", *places)
    assert len(development) >= 100
    assert {row["label"] for row in development} == {"dev"}
    counts = Counter(row["category"] for row in development)
    assert all(counts[category] >= least for category, least in places[0].categories.items())
    overlap(reported, development, threshold=0.7)  # raises where a question comes near one of the test set
    polite = [len(re.findall(r"(?:です|ます|ません|ました)。", row["reference"])) for row in development]
    sentences = [row["reference"].count("。") for row in development]
    assert sum(polite) >= 0.9 * sum(sentences)
