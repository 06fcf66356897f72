"""The graph at hand: what is found for a question, how it is asked, and what the two-by-two says."""

import math
from pathlib import Path

import domain_small
import pandas
import pytest
import yaml
from pipeline_copy import REPOSITORY
from synthetic import write_study
from synthetic_compared import add_compared, scores_of
from synthetic_tables import models
from tatara.data.questions import asked, with_prompts
from tatara.data.retrieval import Index, Passage, graph_at_hand, passages, tokens
from tatara.files.config import check_config
from tatara.files.formats import FORMATS, label_of, most_bits
from tatara.files.jsonl import write_jsonl
from tatara.job.errors import InputError
from tatara.measure.results import by_model_and_format, full_precision, model_and_format
from tatara.report.summary import training_gain
from tatara.report.summary_at_hand import training_or_graph
from tatara.report.tables.at_hand import at_hand_table
from tatara.report.tables.common import NO_DIFFERENCE

SETTINGS = {"seed": 42, "level": 0.95, "resamples": 500}
PROMPT = REPOSITORY / "resources/prompts/graph_at_hand_ja.md"


# ---- what is found ----


def test_japanese_is_compared_by_pairs_of_characters_and_other_scripts_by_words():
    assert tokens("堤防の点検") == ["堤防", "防の", "の点", "点検"]
    assert tokens("第2節　堤防、ＢＯＤ 3.5mg/L") == ["第", "2", "節堤", "堤防", "bod", "3", "5mg", "l"]
    assert tokens("The Levee's height, in metres.") == ["the", "levee", "s", "height", "in", "metres"]
    assert tokens("Höhe des Deichs") == ["höhe", "des", "deichs"]
    assert tokens("。、 …") == []


def test_the_ranking_is_that_of_bm25_by_hand():
    texts = ["levee height", "levee levee crest width", "dam crest"]
    index = Index([Passage(text, text) for text in texts])
    # Lucene's BM25: ln(1 + (N - n + 0.5) / (n + 0.5)) · tf / (tf + 1.5 (1 - 0.75 + 0.75 length / mean length)).
    mean = 8 / 3

    def part(n: int, tf: int, length: int) -> float:
        return math.log(1 + (3 - n + 0.5) / (n + 0.5)) * tf / (tf + 1.5 * (0.25 + 0.75 * length / mean))

    scores = [part(2, 1, 2), part(2, 2, 4) + part(2, 1, 4), part(2, 1, 2)]
    assert scores[1] > scores[0] == scores[2]
    assert index.nearest("crest of the levee", 3) == [texts[1], texts[0], texts[2]], "ties in their order"
    assert index.nearest("Levee!", 3) == [texts[1], texts[0]], "what shares no word is not found"
    assert part(2, 2, 4) > part(2, 1, 2)
    assert index.nearest("levee", 1) == [texts[1]]


def test_rare_words_count_more_than_frequent_ones():
    index = Index([Passage(text, text) for text in ("堤防の点検", "堤防の除草", "堤防の補修", "水門の除草")])
    assert index.nearest("堤防を除草する", 2) == ["堤防の除草", "水門の除草"]


@pytest.mark.parametrize("question", ["", "zebra", "。"])
def test_a_question_that_shares_nothing_finds_nothing(question):
    assert Index([Passage("堤防の点検", "a")]).nearest(question, 5) == []
    assert Index([]).nearest(question, 5) == []


def test_a_fact_is_found_by_every_wording_and_shown_in_its_first_with_its_place():
    graph = domain_small.graph_with_facts()
    index = Index(passages(graph))
    line = "春から夏の内検は、7日から10日の間隔で行うのが目安です。 [養蜂の手引き 第1章 巣箱の管理 第1節 内検]"
    for fact in graph.facts:
        for wording in fact.wordings:
            assert index.nearest(wording, 1)[0].startswith(fact.wordings[0]), wording
    assert index.nearest("春から夏に、どれだけの間隔で内検をしますか。", 1) == [line]


def test_a_relation_is_shown_by_its_display_name_with_its_reason_and_place():
    graph = domain_small.graph_with_facts()
    lines = [passage.line for passage in passages(graph)[len(graph.facts) :]]
    assert len(lines) == len(graph.relations)
    shown = next(line for line in lines if "寄生の見分け方" in line)
    name = graph.schema.relations["EXPLAINED_IN"].name
    end = graph.nodes["ch-2"].title
    assert shown == (
        f"{graph.nodes['pest-mite'].title} → {name}: {end} (寄生の見分け方と手当ての時期がこの章にまとめられている。) "
        "[養蜂の手引き 第2章 病害虫への備え]"
    )


def test_the_prompt_holds_lines_and_question_and_is_what_the_model_reads(tmp_path):
    rows = [{"id": "q1", "question": "内検の間隔は何日ですか。"}, {"id": "q2", "question": "zebra"}]
    found = graph_at_hand(rows, domain_small.graph_with_facts(), lines=2, prompt=PROMPT)
    assert [len(row["lines"]) for row in found] == [2, 0]
    for row in found:
        assert row["question"] in row["prompt"] and all(f"- {line}\n" in row["prompt"] for line in row["lines"])
    write_jsonl(tmp_path / "at_hand.jsonl", found)
    prompted = with_prompts(rows, tmp_path / "at_hand.jsonl")
    assert [asked(row) for row in prompted] == [row["prompt"] for row in found]
    assert [row["question"] for row in prompted] == [row["question"] for row in rows]
    assert [asked(row) for row in with_prompts(rows, None)] == [row["question"] for row in rows]
    with pytest.raises(InputError, match=r"at_hand\.jsonl: no prompt for the question q3"):
        with_prompts([{"id": "q3", "question": "?"}], tmp_path / "at_hand.jsonl")
    (tmp_path / "bad.md").write_text("{{ lines }}\n{{ facts }}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.md:2: 'facts' is undefined; the prompt may use lines and question"):
        graph_at_hand(rows, domain_small.graph_with_facts(), lines=2, prompt=tmp_path / "bad.md")


# ---- names ----


def test_names_of_untuned_models_and_of_the_graph_at_hand():
    assert model_and_format("results/judge/judge_a-b_base.csv") == ("a-b", "base")
    assert model_and_format("answers/a_f16_graph_seconds.csv") == ("a", "f16_graph")
    assert model_and_format("answers/a_base_graph.jsonl") == ("a", "base_graph")
    for name in ("a_graph.jsonl", "a_n0.json", "a_f16_graph_graph.csv", "_f16.csv"):
        with pytest.raises(InputError, match="expected a file name that ends in model and format"):
            model_and_format(name)
    files = [f"{name}.json" for name in ("b_base", "a_q4", "a_f16_graph", "a_nf4", "a_base_graph", "a_f16", "a_base")]
    ordered = by_model_and_format(files, {"a": "A", "b": "B"})
    own = ["base", "base_graph", "f16", "f16_graph", "q4", "nf4"]
    assert list(ordered) == [("a", fmt) for fmt in own] + [("b", "base")]
    assert full_precision(key for key in ordered if key[0] == "a") == {"a": "f16"}
    assert most_bits(["nf4", "base", "q4"]) == "q4"
    assert label_of("base_graph") == "untuned, graph at hand" and label_of("q4-imatrix") == "Q4_K_M + imatrix"


def test_no_one_lists_the_untuned_model_as_a_format():
    schema = (REPOSITORY / "config/schema.yaml").read_text(encoding="utf-8")
    formats = [fmt for fmt in FORMATS if not FORMATS[fmt].untuned]
    assert f"items: {{enum: [{', '.join(formats)}]}}" in schema


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"graph_at_hand": {"models": ["nobody"]}},
            r"graph_at_hand\.models names 'nobody': expected ids of models, bee",
        ),
        (
            {"graph_at_hand": {"models": ["bee"]}, "evaluate": {"untuned": False}},
            r"graph_at_hand\.models needs evaluate\.untuned: true",
        ),
        ({"graph_at_hand": {"models": ["bee"], "lines": 0}}, r"graph_at_hand\.lines"),
        ({"graph_at_hand": {"prompt": "a{b}.md"}}, r"graph_at_hand\.prompt is 'a{b}\.md': it has a brace"),
    ],
)
def test_faults_of_the_configuration_are_named(changes, message):
    config = yaml.safe_load((domain_small.FOLDER / "beekeeping.yaml").read_text(encoding="utf-8"))
    for key, values in changes.items():
        config[key] = config.get(key, {}) | values
    with pytest.raises(InputError, match=message):
        check_config(config, REPOSITORY)


# ---- the two-by-two ----


def table_of(study, **changes):
    files = study.four | changes
    return at_hand_table(**files, testset=study.path("testset/test_set_200.jsonl"), names=study.names, **SETTINGS)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return add_compared(write_study(tmp_path_factory.mktemp("study"), questions=40))


def rescored(study, tmp_path, changes):
    """Return the judge files with all scores of some of the four set, a number or one for each question."""
    files = []
    for path in study.four["judge"]:
        fmt = model_and_format(path)[1]
        copy = tmp_path / Path(path).name
        rows = pandas.read_csv(path)
        if fmt in changes:
            rows["score"] = changes[fmt]
        rows.to_csv(copy, index=False)
        files.append(str(copy))
    return files


def test_the_two_by_two_by_hand(study):
    table = table_of(study).set_index("format")
    assert list(table.index) == ["base", "base_graph", "f16", "f16_graph"]
    assert list(table["tuned"]) == ["no", "no", "yes", "yes"] and list(table["graph"]) == ["no", "yes", "no", "yes"]
    tuned = table["score"]["f16"]
    assert table["score"].to_list() == pytest.approx([0.5, 1.5, tuned, 3.0])
    gains = {(fmt, gain): table[f"{gain}_score_gain"][fmt] for fmt in table.index for gain in ("training", "graph")}
    assert {key for key, value in gains.items() if not math.isnan(value)} == {
        ("base_graph", "graph"),
        ("f16", "training"),
        ("f16_graph", "training"),
        ("f16_graph", "graph"),
    }
    assert gains["base_graph", "graph"] == pytest.approx(1.0) and gains["f16_graph", "training"] == pytest.approx(1.5)
    assert gains["f16", "training"] == pytest.approx(tuned - 0.5)
    assert gains["f16_graph", "graph"] == pytest.approx(3 - tuned)
    # Every question gains the same one point: no width.
    assert table["graph_score_gain_low"]["base_graph"] == pytest.approx(1)
    assert table["perfect"].to_list()[:2] == [0, 0] and table["perfect"]["f16_graph"] == 1
    # Of the two facts of every question: none, the first, none (its answers name no defect), both.
    assert table["recall"].to_list() == [0, 0.5, 0, 1]
    assert table["training_recall_gain"]["f16_graph"] == 0.5 and table["graph_recall_gain"]["f16_graph"] == 1
    assert table["retrieved"]["base_graph"] == 0.5 == table["retrieved"]["f16_graph"]
    assert table["retrieved"][["base", "f16"]].isna().all()
    assert table["prompt_tokens"].to_list() == [40, 400, 40, 400] and set(table["bytes"]) == {1000}
    assert table["verdict"]["f16_graph"] == "best" and table["ship"].to_list().count("yes") == 1


def test_holm_is_over_all_gains_of_a_measure(study):
    table = table_of(study)
    raw = [table[f"{gain}_score_p_value"] for gain in ("training", "graph")]
    smallest = min(value for column in raw for value in column if not math.isnan(value))
    adjusted = min(table["training_score_p_holm"].min(), table["graph_score_p_holm"].min())
    assert adjusted == pytest.approx(min(1.0, 4 * smallest))


def test_what_is_shown_to_be_best_is_shipped(study, tmp_path):
    files = rescored(study, tmp_path, {"f16": scores_of("base", 40)})
    table = table_of(study, judge=files)
    assert table.set_index("format")["ship"].to_dict() == {
        "base": "no",
        "base_graph": "no",
        "f16": "no",
        "f16_graph": "yes",
    }
    sentences = training_or_graph(table, 0.95)
    assert sentences[0].startswith(
        "Swallow stand-in: ship the tuned model with the graph at hand: score 3.000 [3.000, 3.000] of 3, 0.30 s and "
    )
    assert "a prompt of 400 tokens a question" in sentences[0]
    assert sentences[1] == "It has the highest score, and is shown to score above each of the other three."
    assert "Training, without the graph: score: no difference shown (0.000 [0.000, 0.000], p = 1.000)" in "".join(
        sentences
    )
    assert any(
        sentence.startswith("Training, with the graph at hand: score: improves (+1.500") for sentence in sentences
    )
    assert not any("not shown to be worth" in sentence for sentence in sentences)


def test_where_training_adds_nothing_the_report_says_so(study, tmp_path):
    both = scores_of("base_graph", 40)
    table = table_of(study, judge=rescored(study, tmp_path, {"f16_graph": both, "f16": scores_of("base", 40)}))
    rows = table.set_index("format")
    assert rows["ship"]["base_graph"] == "yes" and rows["verdict"]["f16_graph"] == NO_DIFFERENCE
    sentences = training_or_graph(table, 0.95)
    assert "ship the untuned model with the graph at hand" in sentences[0]
    assert "Training is not shown to be worth it for this model." in sentences
    assert any(sentence.startswith("The graph at hand, untuned: score: improves (+1.000") for sentence in sentences)


def test_a_simpler_one_that_is_not_shown_to_be_below_the_best_is_shipped(study, tmp_path):
    best = [3, 3, *scores_of("base_graph", 40)[2:]]
    table = table_of(study, judge=rescored(study, tmp_path, {"f16_graph": best, "f16": 0}))
    assert table.set_index("format")["ship"]["base_graph"] == "yes"
    assert training_or_graph(table, 0.95)[1].startswith(
        "The highest score has the tuned model with the graph at hand, 1."
    )


def test_four_that_are_alike_are_said_to_be_alike_and_zeros_are_not_shipped(study, tmp_path):
    table = table_of(
        study, judge=rescored(study, tmp_path, dict.fromkeys(("base", "base_graph", "f16", "f16_graph"), 0))
    )
    sentences = training_or_graph(table, 0.95)
    assert "ship the untuned model without the graph at hand" in sentences[0]
    assert "Nothing can be told apart" in sentences[1]
    assert any("scores 0: ship none of them" in sentence for sentence in sentences)


def test_no_valid_score_and_no_model_at_all(study, tmp_path):
    none = [pandas.read_csv(path).assign(valid=False) for path in study.four["judge"]]
    files = []
    for path, rows in zip(study.four["judge"], none, strict=True):
        rows.to_csv(tmp_path / Path(path).name, index=False)
        files.append(str(tmp_path / Path(path).name))
    table = table_of(study, judge=files)
    assert training_or_graph(table, 0.95)[0] == (
        "Swallow stand-in: no answer has a valid score: there is nothing to choose by."
    )
    empty = table_of(study, **{name: [] for name in study.four})
    assert empty.empty and "config key graph_at_hand.models" in training_or_graph(empty, 0.95)[0]


def test_the_summary_says_what_training_gave(study, tmp_path):
    table = models(study).reset_index()
    sentences = training_gain(table)
    assert len(sentences) == 4
    assert sentences[0].startswith("Swallow stand-in (F16): score against the untuned model: improves (+")
    flat = table.assign(gain_verdict=NO_DIFFERENCE)
    assert training_gain(flat)[-1] == "Training is shown to improve the score of no model."
    tuned = [path for path in study.judge if "_base" not in path]
    without = models(study, tuned).reset_index()
    assert "config key evaluate.untuned" in training_gain(without)[0]
