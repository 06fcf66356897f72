"""Test sets of one's own: keywords in place of facts, or no reference answers, and what the results say of these."""

import json
from pathlib import Path

import pandas
import pytest
from domain_small import TEST_SET, schema, toc
from pipeline_copy import REPOSITORY
from synthetic import write_study
from synthetic_compared import add_compared
from tatara.data.coverage import UNKNOWN, coverage_rows
from tatara.data.quality import quality_rows
from tatara.data.testset import load_testset
from tatara.evaluate.llm_judges import render
from tatara.evaluate.nll import score, summary
from tatara.evaluate.rubric import judge_rubric, write_identity
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.text import read_text, write_csv
from tatara.job.errors import InputError
from tatara.measure.agreement import agreement
from tatara.measure.stats import Resampling
from tatara.measure.taught import read_coverage
from tatara.report.facts_tables import register_table
from tatara.report.figures.style import save
from tatara.report.questions import questions_by_category
from tatara.report.summary import best_model, quantization, references, sentences, training_size
from tatara.report.tables.registry import write_table
from test_figures import calls
from test_tables import all_tables

PROMPT = REPOSITORY / "resources/judge/prompt.md"


def own(folder: Path, **changes) -> Path:
    """Write the small test set with the second question changed; None takes a field out."""
    rows = read_jsonl(TEST_SET)
    rows[1] = {key: value for key, value in (rows[1] | changes).items() if value is not None}
    write_jsonl(folder / "own.jsonl", rows)
    return folder / "own.jsonl"


def load(path: Path) -> list[dict]:
    return load_testset(path, schema(), toc())


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load(path)
    return str(error.value)


# ---- what is read ----


def test_keywords_are_facts_of_one_wording_and_need_no_citations(tmp_path):
    row = load(own(tmp_path, facts=None, citations=None, keywords=["回転", "巣板"]))[1]
    assert row["facts"] == [["回転"], ["巣板"]] and row["citations"] == [] and "keywords" not in row
    assert row["reference"] == read_jsonl(TEST_SET)[1]["reference"]
    message = refusal(own(tmp_path, facts=None, keywords=["回転", "電動"]))
    assert "own.jsonl:2: fact 2 (電動) is not in the reference" in message


@pytest.mark.parametrize("reference", [None, ""])
def test_a_question_without_a_reference_answer_needs_nothing_else(tmp_path, reference):
    row = load(own(tmp_path, reference=reference, facts=None, citations=None))[1]
    assert (row["reference"], row["facts"], row["citations"]) == ("", [], [])
    kept = load(own(tmp_path, reference=reference, facts=None, citations=None, keywords=["回転"]))[1]
    assert kept["facts"] == [["回転"]]
    facts = load(own(tmp_path, reference=reference))[1]
    assert facts["facts"] == read_jsonl(TEST_SET)[1]["facts"], "facts count without a reference as well"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"keywords": ["回転"]}, "keywords and facts: keep one of them"),
        ({"facts": None, "keywords": "回転"}, "keywords: expected a list of texts, found '回転'"),
        ({"facts": None, "keywords": [["回転"]]}, "fact 1: expected a list of accepted wordings"),
        ({"facts": None, "keywords": []}, "facts is empty; expected at least one required fact"),
        ({"facts": None}, "facts: missing; expected a list"),
        ({"citations": None}, "citations: missing; expected a list"),
        ({"facts": None, "keyword": ["回転"]}, "unknown field keyword; did you mean keywords?"),
        ({"reference": 3}, "reference: expected text, found 3"),
        ({"reference": "", "citations": [{"volume": "別の本", "chapter": "第1章"}]}, "volume '別の本' is not in the"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, changes, expected):
    message = refusal(own(tmp_path, **changes))
    assert "own.jsonl:2: " in message and expected in message


# ---- what is measured ----


def answers(folder: Path, rows: list[dict], text: str) -> tuple[Path, Path]:
    write_jsonl(folder / "a.jsonl", [{"id": row["id"], "answer": text} for row in rows])
    write_csv(folder / "a.csv", ["id", "seconds"], [[row["id"], 1] for row in rows])
    return folder / "a.jsonl", folder / "a.csv"


def test_the_rubric_gives_no_score_without_facts_and_asks_for_no_place_where_none_is_named(tmp_path):
    rows = load(own(tmp_path, reference=None, facts=None, citations=None))
    rows[2] |= {"citations": []}
    wordings = "".join(fact[0] for row in rows for fact in row["facts"])
    files = answers(tmp_path, rows, wordings)
    judge_rubric(name="rubric", rows=rows, answers=files[0], times=files[1], output=tmp_path / "j.csv")
    judged = pandas.read_csv(tmp_path / "j.csv")
    assert list(judged["id"]) == ["q001", "q003"]
    assert judged["score"].to_list()[1] == 3 and "names no place to cite" in judged["reason"][1]


def test_the_rubric_cannot_be_the_judge_of_the_tables_then(tmp_path):
    rows = load(own(tmp_path, reference=None, facts=None, citations=None))
    with pytest.raises(InputError, match=r"judge\.judges: 1 of 3 questions require no fact, such as q002: .*llama_cpp"):
        write_identity(rows=rows, first=True, output=tmp_path / "i.json")
    write_identity(rows=rows, first=False, output=tmp_path / "i.json")
    assert json.loads((tmp_path / "i.json").read_text()) == {"questions": 3, "scored": 2}
    write_identity(rows=load(TEST_SET), first=True, output=tmp_path / "i.json")


def test_a_judge_without_a_reference_is_told_of_none(tmp_path):
    row = load(own(tmp_path, reference=None))[1]
    shown = render(read_text(PROMPT), PROMPT, row, "答え", reference=True)
    assert "模範解答" not in shown and row["question"] in shown


def test_judges_agree_on_what_both_have_scored():
    columns = ("item", "id", "judge", "repeat", "score")
    rows = [("i1", "q1", "llm", 1, 3), ("i2", "q2", "llm", 1, 2), ("i3", "q3", "llm", 1, 1)]
    rows += [("i1", "q1", "rubric", 1, 3), ("i3", "q3", "rubric", 1, float("nan"))]
    (row,) = agreement(pandas.DataFrame(rows, columns=columns), Resampling(1, 50))
    assert (row["items"], row["invalid"]) == (1, 1)


def test_no_likelihood_is_measured_on_it(tmp_path):
    rows = [row | {"reference": "", "facts": []} for row in load(TEST_SET)]
    assert score(None, rows, None, "m", None) == []
    assert {summary("m", "m", [])[key] for key in ("nll", "ppl", "bits_per_byte")} == {None}


def test_it_is_neither_taught_nor_untaught(tmp_path):
    rows = load(own(tmp_path, reference=None, facts=None, citations=None))
    pairs = [{"answer": "".join(fact[0] for fact in rows[0]["facts"])}]
    status = {row["id"]: row["question"] for row in coverage_rows(rows, {8: pairs}, [])}
    assert status == {"q001": "taught", "q002": UNKNOWN, "q003": "untaught"}


def test_the_register_says_that_there_is_nothing_to_compare_with(tmp_path):
    pairs = [{"answer": "点検します。", "question": "何か。", "relation_type": "USES", "category": "養蜂", "facts": []}]
    rows = quality_rows({1: pairs}, [], [])
    write_csv(tmp_path / "q.csv", ["n", "metric", "key", "value"], [list(row.values()) for row in rows])
    table = register_table(tmp_path / "q.csv", 5, 0.25)
    assert len(table.rows) == 2 and "No test question has a reference answer" in table.note


# ---- what the tables and the report say ----


@pytest.fixture(scope="module", params=[0, 6])
def study(request, tmp_path_factory):
    """A study whose 12 questions have no reference answer at all, or half of them; its tables; how many have one."""
    made = write_study(tmp_path_factory.mktemp("own"), sizes=(60, 120), questions=12, references=request.param)
    add_compared(made, questions=12, references=request.param)
    tables = all_tables(made)
    for name, table in tables.items():
        write_table(name, table, csv=made.path(f"tables/{name}.csv"), md=made.path(f"tables/{name}.md"), level=0.95)
    return made, tables, request.param


def test_tables_figures_and_summary_say_so(study):
    made, tables, known = study
    assert set(tables["table3"]["references"]) == {known} and set(tables["table3"]["questions"]) == {12}
    assert tables["table3"]["score"].notna().all(), "scores are of all questions"
    assert tables["table3"]["bits_per_byte"].isna().all() == (known == 0)
    taught = tables["taught"].query("group == 'all'")
    assert set(taught["questions"]) == {12} and taught["nll"].isna().all() == (known == 0)
    selected = json.loads(Path(made.path("scale/selected.json")).read_text(encoding="utf-8"))
    (said,) = references(tables["table3"])
    written = sentences(selected, tables, 0.95)
    assert said in written["How sure"]
    if known:
        assert said.startswith("6 of 12 questions have no reference answer: likelihoods are of the others.")
        return
    assert "no likelihood of answers was measured" in said
    assert selected["n"] == 120 and "so that no likelihood could be measured to select" in selected["reason"]
    assert set(tables["table2"]["status"]) <= {"first", "untuned", "not measured"}
    assert all("NLL: not measured" in sentence for sentence in quantization(tables["table5"]))
    shipped = tables["table6"].set_index("model").loc["swallow"]
    assert shipped["recommended"] == "F16" and shipped["reason"].startswith("no question has a reference answer")
    assert not any("nan" in sentence for part in written.values() for sentence in part)
    assert not any("fewest bits" in sentence for sentence in best_model(tables["table3"]))
    assert len(training_size(selected, tables["table2"])) == 2


def test_figures_are_drawn(study):
    made, _, known = study
    for name in ("fig01", "fig06", "quant01"):
        function, inputs = calls(made)[name]
        figure = function(**inputs)
        save(figure, made.path(f"{name}.png"), made.path(f"{name}.svg"), "")
        texts = {text.get_text() for axes in figure.axes for text in axes.texts}
        words = "no NLL" if name == "fig01" else "no question has a reference answer"
        assert any(words in text for text in texts) == (known == 0)


def test_the_browser_of_questions_says_it_of_each(study):
    made, _, known = study
    testset, coverage = made.path("testset/test_set_200.jsonl"), made.path("testset/coverage.csv")
    shown = questions_by_category(made.judge, made.answers, testset, made.names, read_coverage(coverage, 120))
    lacking = [row for rows in shown.values() for row in rows if not row["reference"]]
    assert len(lacking) == 12 - known
    assert {(row["taught"], row["facts"]) for row in lacking} == {(UNKNOWN, "it requires no fact")}
