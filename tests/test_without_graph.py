"""A study of one's own pairs, without a graph: what is made, what is not, and what says so."""

import json
from pathlib import Path

import pytest
import yaml
from domain_small import read_csv
from pipeline_copy import REPOSITORY, Copy
from tatara.data.schema import read_schema
from tatara.data.testset import load_testset
from tatara.data.toc import read_toc
from tatara.data.without_graph import write_without_graph
from tatara.files.config import check_config
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError

THINGS = ("面布", "ハイブツール", "給餌器", "巣礎", "蜜刀", "蜂ブラシ", "王籠", "分封群捕獲器", "巣門", "継箱")
TOPICS = ("道具", "作業")
RULES_OF_THE_GRAPH = {"graph", "qa_pairs", "probe_items", "at_hand", "load_graph"}


def pairs() -> list[dict]:
    """Return forty pairs, three in four about tools."""
    rows = []
    for number in range(40):
        thing, topic = THINGS[number % 10], TOPICS[number % 4 == 0]
        asked = f"{topic}の話です。{thing}は{number // 10 + 1}月にどう扱いますか。"
        said = f"{thing}は、{number // 10 + 1}月には使う前に乾かし、終わったら水で洗って日陰にしまいます。"
        rows.append({"instruction": asked, "input": "", "output": said, "topic": topic, "category": "養蜂"})
    return rows


QUESTIONS = [
    {"id": "t1", "question": "冬に群れが軽いとき、給餌器で何を与えればよいか。", "keywords": ["砂糖水"]},
    {
        "id": "t2",
        "question": "刺されたときの応急手当を述べよ。",
        "reference": "針を抜き、水で洗って冷やします。",
        "keywords": ["針"],
    },
    {
        "id": "t3",
        "question": "蜂の巣箱を置く向きはどちらが良いか。",
        "reference": "南東です（飼育の本 第2章 置き場 第1節 向き）。",
        "facts": [["南東"]],
        "citations": [{"volume": "飼育の本", "chapter": "第2章 置き場", "section": "第1節 向き"}],
    },
]


def write_questions(path: Path) -> Path:
    shared = {"label": "own", "category": "飼育", "difficulty": "basic"}
    write_jsonl(path, [shared | row for row in QUESTIONS])
    return path


def config_of(folder: Path, **changes) -> dict:
    """Return the beekeeping study with pairs and questions of one's own in place of its graph."""
    config = read_yaml(REPOSITORY / "tests/data/beekeeping/beekeeping.yaml")
    del config["graph"]
    write_jsonl(folder / "own.jsonl", pairs())
    write_questions(folder / "questions.jsonl")
    config |= {"qa": {"pairs": ["own.jsonl"], "stratify_by": "topic"}}
    config["testset"] = {"file": "questions.jsonl", "label": "own"}
    return config | changes


# ---- the configuration ----


def test_a_study_without_a_graph_is_complete_with_pairs(tmp_path):
    config = check_config(config_of(tmp_path), REPOSITORY)
    assert config["graph"]["source"] == "none" and config["qa"]["templates"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"qa": {}}, "config key graph is missing: a study needs a graph, or pairs of its own under qa.pairs"),
        ({"qa": {"pairs": ["a"], "templates": ["t.yaml"]}}, "config key qa.templates needs a graph"),
        ({"qa": {"pairs": ["a"], "augment": {"model": "m"}}}, "config key qa.augment needs a graph"),
        ({"graph_at_hand": {"models": ["bee"]}}, "config key graph_at_hand.models needs a graph"),
        ({"graph": {"source": "none", "toc": "toc.csv"}}, "config key graph.toc needs a graph"),
        ({"graph": {"nodes": ["n.csv"]}}, "config key graph.schema is missing: Labels, relation types"),
        ({"qa": {"stratify_by": "topic"}}, "config key qa.stratify_by is for the files of qa.pairs"),
    ],
)
def test_what_asks_for_a_graph_is_refused(tmp_path, changes, expected):
    with pytest.raises(InputError) as error:
        check_config(config_of(tmp_path, **changes), REPOSITORY)
    assert expected in str(error.value)


def test_a_graph_still_needs_templates():
    config = read_yaml(REPOSITORY / "tests/data/beekeeping/beekeeping.yaml")
    del config["qa"]["templates"]
    with pytest.raises(InputError, match=r"config key qa\.templates is missing: expected template files, such as"):
        check_config(config, REPOSITORY)


# ---- what stands in place of the graph ----


def test_the_vocabulary_is_that_of_the_questions(tmp_path):
    names = {"nodes": "n.csv", "relations": "r.csv", "facts": "f.csv", "schema": "s.yaml", "toc": "t.csv"}
    files = {key: tmp_path / name for key, name in (names | {"probe_items": "p.jsonl"}).items()}
    write_without_graph([write_questions(tmp_path / "q.jsonl")], **files)
    schema, toc = read_schema(files["schema"]), read_toc(files["toc"])
    assert schema.categories == {"飼育": 3} and not schema.relations
    rows = load_testset(tmp_path / "q.jsonl", schema, toc)
    assert [row["facts"] for row in rows] == [[["砂糖水"]], [["針"]], [["南東"]]]
    assert read_csv(files["nodes"]) == read_csv(files["facts"]) == [] and read_jsonl(files["probe_items"]) == []


# ---- the pipeline ----


def test_no_rule_of_the_graph_is_among_the_jobs_and_the_data_stage_says_that_there_is_none(copy: Copy):
    (copy.folder / "own.yaml").write_text(yaml.safe_dump(config_of(copy.folder), allow_unicode=True), encoding="utf-8")
    planned = copy.planned("all", config="own.yaml")
    assert not planned.keys() & RULES_OF_THE_GRAPH
    assert not planned.keys() & {"fig02_relation_distribution", "data01_relation_types", "data05_graph"}
    assert {"own_pairs", "without_graph", "table3", "report"} <= planned.keys()
    done = copy.snakemake("results/data.html", "--cores", "2", config="own.yaml")
    assert done.returncode == 0, done.stdout[-4000:]
    results = copy.folder / "results"
    shares = {
        (row["n"], row["key"]): float(row["value"])
        for row in read_csv(results / "subsets/quality.csv")
        if row["metric"] == "relation_share"
    }
    assert shares == {(n, topic): share for n in ("8", "16") for topic, share in (("道具", 0.75), ("作業", 0.25))}
    page = (results / "data.html").read_text(encoding="utf-8")
    assert "no knowledge graph" in page and "Strata before and after undersampling" in page
    assert "The graph. Left: the table of contents" not in page
    coverage = {row["id"]: row["question"] for row in read_csv(results / "testset/coverage.csv")}
    assert coverage == dict.fromkeys(("t1", "t2", "t3"), "untaught")
    nearest = json.loads((results / "testset/overlap.json").read_text(encoding="utf-8"))["questions"]
    assert any(row["nearest_id"] for row in nearest), "questions are held against the pairs"
