"""A second, tiny domain of other labels, relation types and categories, through the whole pipeline by its configuration
alone.
"""

import csv
import json
import re

from pipeline_copy import Copy

CONFIG = "tests/data/beekeeping/beekeeping.yaml"


def test_the_whole_pipeline(copy: Copy):
    done = copy.snakemake("all", "--cores", "2", "--resources", "gpu=2", config=CONFIG)
    assert done.returncode == 0, done.stdout[-4000:]
    results = copy.folder / "results"
    pairs = [json.loads(line) for line in (results / "qa/qa_pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    # COUNTERS, USES and COMES_BEFORE have no template of their own: the one for `any` serves them.
    assert {pair["relation_type"] for pair in pairs} == {"CONTAINS", "EXPLAINED_IN", "COUNTERS", "USES", "COMES_BEFORE"}
    assert any("対策" in pair["question"] for pair in pairs if pair["relation_type"] == "COUNTERS")
    with (results / "judge/judge_bee_q4.csv").open(encoding="utf-8") as file:
        assert [row["category"] for row in csv.DictReader(file)] == ["養蜂", "養蜂"]
    report = (results / "report.html").read_text(encoding="utf-8")
    assert "養蜂の手引き" in report
    for word in ("河川", "砂防", "HAS_CHAPTER"):
        assert word not in report
    assert not re.search(
        "河川|砂防", "".join(path.read_text(encoding="utf-8") for path in results.glob("figures/*.svg"))
    )


def test_a_type_without_a_template_is_named(copy: Copy):
    path = copy.folder / CONFIG
    path.write_text(
        path.read_text(encoding="utf-8").replace(", tests/data/beekeeping/templates/v2.yaml", ""), encoding="utf-8"
    )
    done = copy.snakemake("results/qa/qa_pairs.jsonl", "--cores", "1", config=CONFIG)
    assert done.returncode != 0
    log = (copy.folder / "results/logs/qa_pairs.log").read_text(encoding="utf-8")
    assert "no template for the relation type COUNTERS, USES, COMES_BEFORE" in log
