"""A graph without reasons and evidence: refused, or with `graph.evidence: optional` taken, counted and warned of."""

from pathlib import Path

import pytest
import yaml
from domain_small import FACTS, NODES, RELATIONS, TEMPLATES, TOC, changed, graph, read_csv, schema, templates
from pipeline_copy import REPOSITORY, Copy
from tatara.data.graph import OPTIONAL, Graph
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import UNPROVEN, UNPROVEN_WORDINGS, LeftOut
from tatara.data.pairs import make_pairs
from tatara.data.retrieval import passages
from tatara.data.schema import NO_CATEGORY
from tatara.data.templates import read_templates
from tatara.files.jsonl import read_jsonl
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError

PLAIN = REPOSITORY / "resources/templates/without_evidence.yaml"
KNOWLEDGE = 11  # relations of the small domain that are not structural


def bare(path: Path, but: str = "nothing") -> Path:
    """Write the small domain's relations without reasons and evidence, but for those that hold a word."""
    head, *rows = RELATIONS.read_text(encoding="utf-8").splitlines()
    kept = [row if but in row else ",".join(row.split(",")[:3]) + ",,,," for row in rows]
    path.write_text("\n".join([head, *kept, ""]), encoding="utf-8")
    return path


def load(relations: Path, left_out: LeftOut | None = None, facts: tuple[Path, ...] = ()) -> Graph:
    return load_graph([NODES], [relations], schema(), TOC, left_out, facts, OPTIONAL)


def test_it_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError) as error:
        load_graph([NODES], [bare(tmp_path / "r.csv")], schema(), TOC)
    assert "r.csv:5: EXPLAINED_IN from pest-mite to ch-2 has no reason, volume, chapter; only" in str(error.value)
    assert str(error.value).count("unless config key graph.evidence is optional") == KNOWLEDGE


def test_optional_evidence_changes_nothing_of_a_graph_that_has_it():
    left_out = LeftOut()
    assert load(RELATIONS, left_out) == graph()
    assert left_out.totals[UNPROVEN] == 14 and left_out.counts[UNPROVEN] == 0


def test_relations_without_evidence_are_counted_and_warned_of(tmp_path, caplog):
    left_out = LeftOut()
    load(bare(tmp_path / "r.csv"), left_out)
    left_out.write(tmp_path / "left_out.csv")
    row = next(row for row in read_csv(tmp_path / "left_out.csv") if row["what"] == UNPROVEN.name)
    assert (row["count"], row["of"], row["asked_for"]) == (str(KNOWLEDGE), "14", "False")
    assert [record.levelname for record in caplog.records if UNPROVEN.name in record.message] == ["WARNING"]


def test_a_place_that_is_given_is_still_checked(tmp_path):
    path, line = changed(
        RELATIONS, tmp_path / "r.csv", "蜂の数を保てる。,養蜂の手引き,第2章 病", "蜂の数を保てる。,,第9章 病"
    )
    with pytest.raises(InputError, match=rf"r\.csv:{line}: volume '' is not in the table of contents"):
        load(path)


def test_templates_that_need_a_reason_are_passed_over_for_these_relations_alone(tmp_path):
    left_out = LeftOut()
    loaded = load(bare(tmp_path / "r.csv", but="COUNTERS"))
    pairs = make_pairs(loaded, templates(), None, 1, left_out)
    assert {pair["relation_type"] for pair in pairs} == {"CONTAINS", "COUNTERS"}
    # Two wordings each of five EXPLAINED_IN, two USES and two COMES_BEFORE.
    assert left_out.counts[UNPROVEN_WORDINGS] == 18
    assert (
        "bee-explained-what: pest-hornet -EXPLAINED_IN-> ch-2 has no {reason}" in left_out.examples[UNPROVEN_WORDINGS]
    )


def test_templates_without_evidence_teach_what_there_is_and_cite_nothing(tmp_path):
    chosen = read_templates([PLAIN, REPOSITORY / "resources/templates/generic.yaml"], schema())
    loaded = load(bare(tmp_path / "r.csv"), facts=(FACTS,))
    pairs = make_pairs(loaded, chosen, None, 1)
    own = [pair for pair in pairs if pair["template"].startswith("plain-") and pair["relation_type"] == "USES"]
    assert {pair["start"] for pair in own} == {"task-check", "task-harvest"}
    text = "".join(pair["question"] + pair["answer"] for pair in own)
    assert "「使う道具」" in text and "煙を送って蜂を落ち着かせる道具" in text
    assert "（）" not in text and "  " not in text
    # Neither end stands in the table of contents, but that of EXPLAINED_IN does.
    assert {pair["category"] for pair in own} == {NO_CATEGORY}
    assert {pair["category"] for pair in pairs if pair["relation_type"] == "EXPLAINED_IN"} == {"養蜂"}


def test_a_question_about_a_fact_needs_no_evidence_that_its_answer_does_not_cite(tmp_path):
    text = TEMPLATES[1].read_text(encoding="utf-8")
    entry = "  - id: {0}\n    relation: any\n    intent: how\n    kinds: [value, condition]\n"
    entry += (
        "    questions: ['{{fact.topic}}は、{{start.name}}ではどうか（{0}）。']\n    answers: ['{{fact.text}}{1}']\n"
    )
    both = entry.format("bee-placed", "所在は{citation}である。") + entry.format("bee-plain", "")
    path = tmp_path / "v2.yaml"
    path.write_text(text + both, encoding="utf-8")
    loaded = load(bare(tmp_path / "r.csv"), facts=(FACTS,))
    pairs = make_pairs(loaded, read_templates([TEMPLATES[0], path], schema()), None, 1)
    used = {pair["template"] for pair in pairs if pair["relation_type"] == "USES"}
    assert used == {"bee-plain"}


def test_what_is_at_hand_has_no_empty_brackets(tmp_path):
    lines = [passage.line for passage in passages(load(bare(tmp_path / "r.csv")))]
    assert "内検 → 使う道具: 燻煙器" in lines and not any("[]" in line for line in lines)


def test_the_data_stage_runs_and_its_page_warns(copy: Copy):
    bare(copy.folder / "bare.csv")
    config = read_yaml(copy.folder / "tests/data/beekeeping/beekeeping.yaml")
    config["graph"] |= {"relations": ["bare.csv"], "evidence": "optional"}
    config["qa"]["templates"].append("resources/templates/without_evidence.yaml")
    (copy.folder / "bare.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = copy.snakemake("results/data.html", "results/probe/items.jsonl", "--cores", "2", config="bare.yaml")
    assert done.returncode == 0, done.stdout[-4000:]
    pairs = read_jsonl(copy.folder / "results/qa/qa_pairs.jsonl")
    assert {"COUNTERS", "USES", "COMES_BEFORE"} <= {pair["relation_type"] for pair in pairs}
    page = (copy.folder / "results/data.html").read_text(encoding="utf-8")
    assert "⚠ Relations without a reason or evidence" in page
    assert NO_CATEGORY in (copy.folder / "results/subsets/quality.csv").read_text(encoding="utf-8")
    log = (copy.folder / "results/logs/graph.log").read_text(encoding="utf-8")
    assert "relations without a reason or evidence: 11 of 14" in log
