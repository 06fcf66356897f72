"""The report: one well-formed file that needs nothing from elsewhere, summary first, with every question in it."""

import base64
import io
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest
from domain_small import graph_with_facts
from domain_small import schema as small_schema
from fontTools.ttLib import TTFont
from pipeline_copy import REPOSITORY
from synthetic import SCHEMA, write_study
from synthetic_compared import add_compared
from tatara.data.coverage import write_coverage
from tatara.data.diversity import distinct_2, self_bleu, write_diversity
from tatara.data.left_out import LONE_NODES, NOT_CHOSEN, SAME_QUESTIONS, LeftOut
from tatara.data.pairs import make_pairs
from tatara.data.quality import write_quality
from tatara.data.templates import read_templates
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.report.data_page import write_data_page
from tatara.report.figures.style import save
from tatara.report.page import unbroken
from tatara.report.report import write_report
from tatara.report.summary import best_model, harm, quantization, training_size
from tatara.report.tables.common import NO_DIFFERENCE
from tatara.report.tables.registry import TABLES, write_table
from test_figures import calls, data_calls
from test_tables import all_tables

GENERIC = REPOSITORY / "resources/templates/generic.yaml"
CAPTIONS = sorted((REPOSITORY / "report").glob("*.rst"))
NOTICE = "Stand-in models: <not> the paper's & ours."
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, attributes and text; an end tag that does not match its start is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.problems, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def attributes(self, tag, name):
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]


def report(study, notice=NOTICE, drawn=False, without=()):
    """Make what the report shows and write it; returns its path. Figures are empty unless `drawn`.

    Args:
        without: names of tables that are left out.
    """
    for name, table in all_tables(study).items():
        write_table(name, table, csv=study.path(f"tables/{name}.csv"), md=study.path(f"tables/{name}.md"), level=0.95)
    (study.folder / "figures").mkdir(exist_ok=True)
    for name, (function, inputs) in calls(study).items():
        if drawn:
            png, svg = study.path(f"figures/{name}.png"), study.path(f"figures/{name}_drawn.svg")
            save(function(**inputs), png, svg, notice)
        else:
            (study.folder / "figures" / f"{name}_drawn.svg").write_text(
                '<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8"
            )
    output = study.folder / "report.html"
    write_report(
        output=output,
        title="試験の報告",
        notice=notice,
        level=0.95,
        names=study.names,
        tables=[study.path(f"tables/{name}.csv") for name in all_tables(study) if name not in without],
        figures=[study.path(f"figures/{name}_drawn.svg") for name in calls(study)],
        captions=CAPTIONS,
        selected=study.path("scale/selected.json"),
        pairs=study.path("qa/qa_pairs.jsonl"),
        pool=study.path("qa/pool.jsonl"),
        quality=study.path("subsets/quality.csv"),
        overlap=study.path("testset/overlap.json"),
        schema=SCHEMA,
        testset=study.path("testset/test_set_200.jsonl"),
        coverage=study.path("testset/coverage.csv"),
        judge=[*study.judge, *(path for path in study.four["judge"] if path not in study.judge)],
        answers=[*study.answers, *(path for path in study.four["answers"] if path not in study.answers)],
        parity=study.parity,
        provenance=study.path("provenance.json"),
        judges=["rubric", "llm"],
        paper=[REPOSITORY / f"resources/paper/table{number}.csv" for number in range(1, 7)],
    )
    return output


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = write_study(tmp_path_factory.mktemp("study"), questions=24, second_judge=True)
    return add_compared(study, questions=24, second_judge=True)


@pytest.fixture(scope="module")
def page(study):
    return Page(report(study, drawn=True).read_text(encoding="utf-8"))


def test_every_table_is_on_the_page(page, study):
    assert not [name for name in all_tables(study) if TABLES[name].layout.title not in page.text]


def test_the_page_is_well_formed_with_unique_ids_and_links_that_lead_somewhere(page):
    assert not page.problems and not page.open
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = page.attributes("a", "href")
    assert links and all(link.startswith("#") and link[1:] in ids for link in links)


def test_nothing_comes_from_elsewhere(page):
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"link", "iframe", "object"} and not page.attributes("script", "src")
    images = page.attributes("img", "src")
    assert len(images) == 13 and all(source.startswith("data:image/svg+xml;base64,") for source in images)
    assert all(len(text) > 20 for text in page.attributes("img", "alt"))
    assert page.attributes("meta", "content") == ["width=device-width, initial-scale=1"]


def test_the_notice_and_the_summary_come_first(page):
    text = page.text
    assert NOTICE in text and text.index(NOTICE) < text.index("Train on n = 240 pairs") < text.index("Table 2.")
    for heading in ("Summary", "Scale", "Models", "Quantization", "Data", "Questions", "Provenance"):
        assert heading in text
    assert "Swallow stand-in (Q4_K_M): score: no difference shown" in text
    assert "Swallow stand-in (F16): score against the untuned model: improves" in text
    assert "Training or the graph at hand" in text and "Swallow stand-in: ship the tuned model" in text
    assert "Swallow stand-in, untuned, graph at hand" in text  # an answer's place in the browser
    assert "Tanuki stand-in" in text and "llama.cpp's converter refuses the tokenizer" in text


def test_every_question_stands_there_with_every_answer_score_and_reason(page, study):
    text = page.text
    ids = {attrs["id"] for tag, attrs in page.tags if tag == "details" and "id" in attrs}
    assert ids == {f"q{i:03}" for i in range(1, 25)}
    assert text.count("の答え：") == 24 * (7 + 4 + 2) and text.count("cut at the length limit") > 10
    for path in study.judge:
        assert pandas.read_csv(path)["reason"][3] in text
    # What an answer or a question holds is text and never markup.
    assert "<b>強調</b>は本文か" in text


def test_every_figure_has_its_number_and_every_table_its_note(page):
    for number in range(1, 12):
        assert f"Figure {number}." in page.text
    for number in range(1, 7):
        assert f"Table {number}. " in page.text
    assert "0123456789abcdef0123456789abcdef01234567+" in page.text and "resources/graph/schema.yaml" in page.text
    assert "0.61; the build stops above 0.80" in page.text


def test_the_report_is_the_same_bytes_twice_and_leaves_an_empty_notice_out(tmp_path):
    study = write_study(tmp_path, sizes=(60, 120), questions=3, names={"swallow": "Swallow", "tanuki": "Tanuki"})
    first = report(study, notice="").read_bytes()
    assert report(study, notice="").read_bytes() == first
    assert b'class="notice"' not in first


def test_one_model_and_one_size_make_a_report(tmp_path):
    page = Page(
        report(write_study(tmp_path, sizes=(60,), questions=1, names={"tanuki": "Tanuki"})).read_text(encoding="utf-8")
    )
    assert not page.problems and "No model was answered with both in F16 and in a quantized GGUF format." in page.text
    assert "nan" not in page.text.split("Provenance")[-2]


def test_the_summary_claims_no_more_than_the_tables(study):
    tables = all_tables(study)
    untuned = ["untuned"] * 4
    alike = tables["table3"].assign(verdict=[*untuned, "best", *[NO_DIFFERENCE] * 3])
    assert best_model(alike)[0].startswith("No model is shown to be better than another.")
    mixed = tables["table3"].assign(verdict=[*untuned, "best", NO_DIFFERENCE, "below the best", NO_DIFFERENCE])
    assert "No difference from the best is shown for ELYZA stand-in (F16) and Tanuki stand-in (NF4)." in best_model(
        mixed
    )
    assert best_model(tables["table3"].assign(score=float("nan")))[0].startswith("No answer has a valid score")
    chosen = {"n": 240, "rule": "min", "reason": "Because.", "run": "x"}
    assert [sentence.split(":")[0] for sentence in training_size(chosen, tables["table2"])][2:] == [
        "From n = 180 to 240 the test NLL is better",
        "From n = 240 to 300 the test NLL is worse",
        "Against the untuned model the test NLL at n = 240 is better",
    ]
    assert len(quantization(tables["table5"])) == 3


def test_a_domain_without_sets_for_harm_has_no_table_and_says_so(tmp_path):
    study = write_study(tmp_path, sizes=(60,), questions=4)
    page = {
        harm: report(study, without=() if harm else ("harm",)).read_text(encoding="utf-8") for harm in (True, False)
    }
    title = "Harm: what training does to the rest"
    assert title in page[True] and title not in page[False]
    assert "This domain names no sets to measure harm on" in page[False] and "names no sets" not in page[True]


def test_the_summary_says_in_one_sentence_what_training_did_to_the_rest(study):
    tables = all_tables(study)
    (sentence,) = harm(tables["harm"], tables["table3"], 0.95)
    best = tables["table3"].set_index("verdict")["name"]["best"]
    assert sentence.startswith(f"{best} (") and "neutral sentences: worse (+0." in sentence
    assert "it goes along with 3 of 4 questions with a false premise (50 % before, p = 1.000)" in sentence
    assert sentence.endswith("it cites no place.")
    same = tables["harm"].assign(bits_p_holm=0.6)
    assert f"neutral sentences: {NO_DIFFERENCE} (" in harm(same, tables["table3"], 0.95)[0]
    assert harm(None, tables["table3"], 0.95)[0].endswith("it was not measured.")


def test_cells_break_before_an_interval_only():
    assert unbroken("2.31 [2.10, 2.52]") == "2.31 [2.10,\u00a02.52]"
    assert unbroken("8.4 MB → 3.1 MB") == "8.4\u00a0MB\u00a0→ 3.1\u00a0MB"


def test_the_page_carries_the_glyphs_of_its_japanese(study):
    text = report(study).read_text(encoding="utf-8")
    font = TTFont(io.BytesIO(base64.b64decode(re.search(r"data:font/woff;base64,([^\"]+)", text)[1])))
    assert {ord(letter) for letter in text if "\u3040" <= letter <= "\u9fff"} <= font.getBestCmap().keys()


def left_out_files(folder: Path) -> list[Path]:
    """Write what a graph and its pairs leave out: a kind above a twentieth, one that was asked for, one below."""
    graph, pairs = LeftOut(), LeftOut()
    graph.expect(LONE_NODES, 100)
    graph.add(LONE_NODES, "遊水地 (fac-basin)", 1)
    pairs.expect(SAME_QUESTIONS, 50)
    pairs.add(SAME_QUESTIONS, "堤防とは何か。<b> (a -USES-> b; kept: c -USES-> d)", 4)
    pairs.expect(NOT_CHOSEN, 50)
    pairs.add(NOT_CHOSEN, "USES: 20", 20)
    files = [folder / "graph_left_out.csv", folder / "qa_left_out.csv"]
    for left_out, file in zip((graph, pairs), files, strict=True):
        left_out.write(file)
    return files


def test_the_data_page(study, tmp_path, caplog):
    figures = []
    for name, (function, inputs) in data_calls(study).items():
        save(function(**inputs), tmp_path / f"{name}_x.png", tmp_path / f"{name}_x.svg")
        figures.append(str(tmp_path / f"{name}_x.svg"))
    pairs = read_jsonl(study.path("qa/qa_pairs.jsonl"))
    write_diversity(pairs, 5, 1, tmp_path / "diversity.csv")
    bees = REPOSITORY / "tests/data/beekeeping"
    taught = make_pairs(graph_with_facts(), read_templates([GENERIC], small_schema()), None, 1)
    write_jsonl(tmp_path / "subset.jsonl", taught)
    facts, references = graph_with_facts().facts, ["寄生率が3%を超えた群れで始めます。"]
    write_quality({10: taught[:10], len(taught): taught}, facts, references, tmp_path / "quality.csv")
    questions = [{"id": "q1", "label": "dev", "category": "養蜂", "facts": [["3%を超え"], ["月夜"]]}]
    write_coverage(questions, {10: [], len(taught): taught}, facts, tmp_path / "coverage.csv")
    augmented = tmp_path / "augmented.csv"
    augmented.write_text("outcome,pairs\nkept,3\nname missing,1\n")
    write_data_page(
        output=tmp_path / "data.html",
        title="試験",
        figures=figures,
        captions=CAPTIONS,
        pairs=study.path("qa/qa_pairs.jsonl"),
        pool=study.path("qa/pool.jsonl"),
        diversity=tmp_path / "diversity.csv",
        overlap=study.path("testset/overlap.json"),
        nodes=bees / "nodes.csv",
        relations=bees / "relations.csv",
        schema=SCHEMA,
        left_out=left_out_files(tmp_path),
        augmented=[augmented],
        facts=bees / "facts.csv",
        subset=tmp_path / "subset.jsonl",
        quality=tmp_path / "quality.csv",
        coverage=tmp_path / "coverage.csv",
        warn_above=0.05,
        register={"polite_points": 5, "length_share": 0.25},
    )
    assert 'class="notice"' not in (tmp_path / "data.html").read_text(encoding="utf-8")
    page = Page((tmp_path / "data.html").read_text(encoding="utf-8"))
    counts = Counter(pair["relation_type"] for pair in pairs)
    kept = Counter(pair["relation_type"] for pair in read_jsonl(study.path("qa/pool.jsonl")))
    first = next(iter(counts))
    share = f"{100 * kept[first] / kept.total():.1f} %"
    assert f"After undersampling {first} has {kept[first]} of {kept.total()} pairs, {share}" in page.text
    assert "Graph: 12 nodes, 14 relations" in page.text
    text = page.text.replace("\u00a0", " ")  # the cells of a row follow one another
    assert f"⚠ Q{SAME_QUESTIONS.name[1:]}4508.0 %堤防とは何か。<b> (a -USES-> b; kept: c -USES-> d)" in text
    assert f"N{LONE_NODES.name[1:]}11001.0 %遊水地 (fac-basin)" in text
    assert "Rephrased pairs rejected: name missing1425.0 %" in text
    assert "more than 5 % (config key left_out.warn_above): 1 of 4 kinds" in text
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned[0] == (
        f"{SAME_QUESTIONS.name}: 4 of 50; for example 堤防とは何か。<b> (a -USES-> b; kept: c -USES-> d)"
    )
    kinds = ["Polite sentences", "Characters of an answer, mean"]
    assert [message.partition(":")[0] for message in warned[1:]] == kinds
    assert "⚠ Characters of an answer, mean, training" in text and "Facts by chapter: 9 in 3 sections" in text
    assert "devfacts of the graph0101 of 250.0 %" in text and "devn = 100010 of 20.0 %" in text
    assert len(page.attributes("img", "src")) == 5
    assert all(source.startswith("data:image/svg+xml") for source in page.attributes("img", "src"))


def test_diversity_by_hand():
    assert distinct_2(["abab", "b"]) == 2 / 3
    assert distinct_2(["a"]) == 0
    assert self_bleu(["堤防を点検する。", "堤防を点検する。"]) == pytest.approx(1)
    assert self_bleu(["甲乙丙丁", "戊己庚辛"]) == pytest.approx(0, abs=0.02)
    assert self_bleu(["堤防"]) == 0


def test_the_papers_tables_stand_beside_ours_and_every_judge_is_heard(page):
    text = page.text
    assert all(f"The paper's Table {number}, beside ours" in text for number in range(1, 7))
    assert "1.3421" in text and "Overfitting" in text
    assert "Agreement of the judges" in text and "llm scored the same answers" in text
    assert "llm invalid: not a score, 3 times" in text
