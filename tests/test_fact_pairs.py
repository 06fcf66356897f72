"""Facts: read strictly, asked for one by one, met equally often, and told in turn in each of their wordings."""

import random
from collections import Counter

import pytest
from domain_small import NODES, RELATIONS, TEMPLATES, TOC, graph, schema, toc
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_copy import REPOSITORY
from tatara.data.coverage import coverage_rows
from tatara.data.fact_choice import Ledger
from tatara.data.fact_places import FactPlaces
from tatara.data.facts import COLUMNS, KINDS, fact_row, read_facts, write_facts
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import UNTAUGHT_FACTS, LeftOut
from tatara.data.pairs import make_pairs
from tatara.data.quality import polite, quality_rows, sentences
from tatara.data.subsets import rebalance
from tatara.data.templates import read_templates
from tatara.job.errors import InputError

GENERIC = [REPOSITORY / "resources/templates/generic.yaml"]
PLACES = (("ch-1", "第1章 巣箱の管理"), ("ch-2", "第2章 病害虫への備え"), ("ch-3", "第3章 採蜜"))


def fact_line(number: int, node: str = "ch-1", chapter: str = "第1章 巣箱の管理", kind: str = "value") -> str:
    texts = [f"巣箱の点検{number}は{number}日ごとに行います{end}。" for end in ("", "と覚えます", "と定めます")]
    return f"{node},{kind},巣箱の点検{number}の間隔,{','.join(texts)},巣箱;点検,養蜂の手引き,{chapter},"


def write(path, lines: list[str]):
    path.write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return path


def with_facts(path):
    return load_graph([NODES], [RELATIONS], schema(), TOC, fact_files=[path])


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Sixty facts in three chapters, of all kinds."""
    lines = [fact_line(n, *PLACES[n % 3], KINDS[n % len(KINDS)]) for n in range(60)]
    return with_facts(write(tmp_path_factory.mktemp("facts") / "facts.csv", lines))


def test_writing_and_reading_gives_the_same_facts(many, tmp_path):
    write_facts(many.facts, tmp_path / "again.csv")
    assert read_facts(tmp_path / "again.csv") == many.facts == with_facts(tmp_path / "again.csv").facts
    assert [toc().order[fact.place] for fact in many.facts] == sorted(toc().order[fact.place] for fact in many.facts)
    assert len({fact.id for fact in many.facts}) == 60 and fact_row(many.facts[0])["terms"] == "巣箱;点検"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ch-1,", "ch-9,", "facts.csv:2: there is no node 'ch-9'; did you mean ch-3?"),
        ("value", "values", "facts.csv:2: unknown kind values; did you mean value?"),
        ("第1章 巣箱の管理", "第1章 巣箱", "facts.csv:2: chapter '第1章 巣箱' is not in the table of contents"),
        ("7日ごとに行いますと覚えます", "8日ごとに行いますと覚えます", "facts.csv:2: text_2 has the numbers"),
        ("巣箱;点検", "巣箱;蜜蓋", "facts.csv:2: text does not hold the term '蜜蓋'"),
        ("と定めます", "と覚えます", "facts.csv:2: two wordings are the same text"),
        ("と定めます", "<|eot_id|>", "facts.csv:2: text_3 holds <|eot_id|>"),
        ("topic", "subject", None),
        ("text_2", "text", "the column text stands twice"),
        ("kind", "sort", "facts.csv:1: missing column kind; expected node,kind,topic"),
    ],
)
def test_a_fault_in_facts_names_file_and_line(tmp_path, old, new, expected):
    path = write(tmp_path / "facts.csv", [fact_line(7)])
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    if expected is None:  # a column of the user's own is passed over, and a fact needs no topic
        assert with_facts(path).facts[0].topic == ""
        return
    with pytest.raises(InputError) as error:
        with_facts(path)
    assert expected in str(error.value)


def test_a_fact_that_stands_twice_is_named_with_both_lines(tmp_path):
    with pytest.raises(InputError, match=r"facts.csv:3: this fact stands at .*facts.csv:2 as well"):
        with_facts(write(tmp_path / "facts.csv", [fact_line(7), fact_line(7)]))


def test_every_fact_is_taught_about_equally_often_and_in_all_wordings(many):
    left_out = LeftOut()
    pairs = make_pairs(many, read_templates(GENERIC, schema()), None, 1, left_out)
    assert left_out.counts[UNTAUGHT_FACTS] == 0 and left_out.totals[UNTAUGHT_FACTS] == 60
    uses = Counter(name for pair in pairs for name in pair["facts"])
    met = Counter()
    for name, count in uses.items():
        met[name.partition(":")[0]] += count
    assert len(met) == 60 and max(met.values()) <= 3 * min(met.values())
    assert all(len({uses[f"{fact.id}:{k}"] for k in (1, 2, 3)} - {0}) >= 1 for fact in many.facts)
    by_id = {f"{fact.id}:{k}": text for fact in many.facts for k, text in enumerate(fact.wordings, 1)}
    for pair in pairs:
        assert len(pair["facts"]) == len({name.partition(":")[0] for name in pair["facts"]}), "a fact stands once"
        assert all(by_id[name].rstrip("。") in pair["answer"] for name in pair["facts"])
    asked = [pair for pair in pairs if pair["template"].rpartition("-")[2] in KINDS]
    assert len(asked) > len(pairs) / 2
    for pair in asked:
        fact = next(fact for fact in many.facts if f"{fact.id}:" in pair["facts"][0])
        assert fact.topic in pair["question"], "the fact that is asked for comes first"
        assert pair["template"] == f"generic-{fact.kind}", "a question of how much is answered by a value"
    assert make_pairs(many, read_templates(GENERIC, schema()), None, 1) == pairs


def test_questions_can_name_every_fact_of_their_answer(many):
    templates = read_templates(GENERIC, schema())
    facts, plain = {fact.id: fact for fact in many.facts}, make_pairs(many, templates, None, 1)
    pairs = make_pairs(many, templates, None, 1, ask_for_all=True)
    assert [pair["answer"] for pair in pairs] == [pair["answer"] for pair in plain]
    assert len({pair["id"] for pair in pairs}) == len(pairs)
    for pair, before in zip(pairs, plain, strict=True):
        topics = [facts[name.partition(":")[0]].topic for name in pair["facts"]]
        assert pair["question"].startswith(before["question"]) and all(topic in pair["question"] for topic in topics)
    assert sum(pair["question"] != before["question"] for pair, before in zip(pairs, plain, strict=True)) > 20


def test_templates_that_cannot_name_further_facts_are_told(many):
    templates = read_templates(TEMPLATES, schema())
    with pytest.raises(InputError, match=r"v1\.yaml: no list also of sentences with {topics}.*qa\.ask_for_all"):
        make_pairs(many, templates, None, 1, ask_for_all=True)


def test_facts_of_another_chapter_name_their_place(many):
    for pair in make_pairs(many, read_templates(GENERIC, schema()), None, 1):
        relation = next(r for r in many.relations if (r.start, r.end) == (pair["start"], pair["end"]))
        here = many.evidence(relation).chapter
        for name in pair["facts"][1:]:
            fact = next(fact for fact in many.facts if fact.id == name.partition(":")[0])
            assert fact.place.chapter == here or f"（養蜂の手引き {fact.place.chapter[:3]}）" in pair["answer"]


def test_the_steps_to_facts_around_relations(many):
    places = FactPlaces(many)
    of_chapter = next(relation for relation in many.relations if relation.end == "ch-2")
    around = places.around(of_chapter)
    near = {many.facts[position].place.chapter for position in around.facts[around.steps == 0]}
    assert near == {"第2章 病害虫への備え"}
    assert len(around.facts) == 20


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 200), st.integers(0, 5))
def test_the_ledger_takes_turns(count, uses, seed):
    facts = [fact for fact in graph_of(count).facts]
    ledger, around = Ledger(facts, seed), FactPlaces(graph_of(count)).around(graph_of(count).relations[0])
    for _ in range(uses):
        ledger.use(ledger.candidates(around, "what", ())[0])
    assert ledger.met.max() - ledger.met.min() <= 2 and ledger.met.sum() == uses


_GRAPHS = {}


def graph_of(count: int):
    if count not in _GRAPHS:
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / "facts.csv", [fact_line(n) for n in range(count)])
            _GRAPHS[count] = with_facts(path)
    return _GRAPHS[count]


def test_undersampling_takes_pairs_whose_facts_are_met_elsewhere():
    def pair(number, facts):
        return {"id": str(number), "relation_type": "A", "version": "v1", "intent": "what", "facts": facts}

    pairs = [pair(n, ["f-common:1"]) for n in range(8)] + [pair(8, ["f-rare:1"]), pair(9, ["f-rare:2", "f-common:1"])]
    for seed in range(5):
        kept = {row["id"] for row in rebalance(pairs, {"A": 0.3}, None, seed)}
        assert {"8", "9"} <= kept and len(kept) == 3


def test_quality_counts_repetition_facts_and_register(many):
    pairs = make_pairs(many, read_templates(GENERIC, schema()), None, 1)
    random.Random(1).shuffle(pairs)
    subsets = {20: pairs[:20], len(pairs): pairs}
    values = {
        (row["n"], row["metric"]): row["value"] for row in quality_rows(subsets, many.facts, ["長い。短いです。"])
    }
    whole = len(pairs)
    assert values[whole, "facts"] == 60 >= values[20, "facts"] > 0
    assert values[whole, "fact_uses_mean"] == pytest.approx(sum(len(pair["facts"]) for pair in pairs) / 60)
    assert values[20, "distinct_chars"] > values[whole, "distinct_chars"] > 0
    assert values[20, "test_polite_share"] == 0.5 and values[20, "test_answer_chars_mean"] == 8
    all_sentences = Counter(sentence for pair in pairs for sentence in sentences(pair["answer"]))
    assert values[whole, "sentence_uses_max"] == max(all_sentences.values())


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("高さは2m以上です。", True),
        ("確かめます（設計編 第1章 河川構造物の設計）。", True),
        ("確かめてください。", True),
        ("違いはありますか。", False),
        ("定める（維持管理編（河川編） 第4章）。", False),
        ("である。", False),
    ],
)
def test_polite_endings(sentence, expected):
    assert polite(sentence) is expected


def test_coverage_says_which_facts_the_answers_teach(many):
    questions = [
        {"id": "q1", "label": "dev", "category": "養蜂", "facts": [["7日ごと"], ["蜜蓋", "７ 日 ごと"]]},
        {"id": "q2", "label": "dev", "category": "養蜂", "facts": [["蜜蓋"]]},
    ]
    pairs = [{"answer": "点検は行います。"}, {"answer": "巣箱の点検7は7日ごとに行います。"}]
    rows = coverage_rows(questions, {1: pairs[:1], 2: pairs}, many.facts)
    held = {(row["n"], row["id"]): (row["taught"], row["taught_facts"], row["pairs"], row["question"]) for row in rows}
    assert held[1, "q1"] == (0, "", "0;0", "untaught")
    assert held[2, "q1"] == (2, "0;1", "1;1", "taught") and held["graph", "q1"] == (2, "0;1", "", "taught")
    assert held[2, "q2"] == (0, "", "0", "untaught")


def test_coverage_counts_the_pairs_that_teach_a_fact_and_not_its_mentions(many):
    answers = ["7日ごと、また７ 日 ごと。", "蜜蓋は週に一度。", "7日", "ごとに見る。", "週に一度、7日ごと。"]
    question = {"id": "q1", "label": "dev", "category": "養蜂", "facts": [["7日ごと", "週に一度"], ["蜜蓋"], ["冬"]]}
    (_, row) = coverage_rows([question], {5: [{"answer": answer} for answer in answers]}, many.facts)
    assert (row["n"], row["pairs"], row["taught_facts"]) == (5, "3;1;0", "0;1")


def test_a_graph_without_facts_makes_pairs_of_descriptions():
    pairs = make_pairs(graph(), read_templates(GENERIC, schema()), None, 1)
    assert pairs and all(pair["facts"] == [] for pair in pairs)
