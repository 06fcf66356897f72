"""The probe's items: balanced, with one right option, in words that no training pair has, from any graph."""

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_copy import REPOSITORY
from tatara.data.facts import Fact
from tatara.data.graph import Graph, Node, Relation
from tatara.data.graph_csv import load_graph
from tatara.data.held_out import held_out, without_held_out
from tatara.data.probe import make_items, read_questions
from tatara.data.schema import RelationType, Schema, read_schema
from tatara.data.toc import Citation, Toc
from tatara.files.normalise import normalise, squeeze
from tatara.job.errors import InputError

QUESTIONS = REPOSITORY / "resources/probe/questions.yaml"


@pytest.fixture(scope="module")
def standards():
    folder = REPOSITORY / "resources/graph"
    nodes, relations = (sorted(folder.glob(f"{kind}_*.csv")) for kind in ("nodes", "relations"))
    schema = read_schema(folder / "schema.yaml")
    return load_graph(nodes, relations, schema, folder / "toc.csv", fact_files=[folder / "facts.csv"])


@pytest.fixture(scope="module")
def items(standards):
    return make_items(standards, read_questions(QUESTIONS), most=2400, share=0.1, seed=42)


def balance(items: list[dict]) -> tuple[Counter, Counter]:
    """Return how often each text is right, and how often it is offered, by the groups that share their options."""
    right, offered = Counter(), Counter()
    for item in items:
        group = (item["kind"], item["type"]) if item["kind"] in ("forward", "backward") else item["kind"]
        right[group, item["options"][item["answer"]]] += 1
        offered.update((group, option) for option in item["options"])
    return right, offered


def test_there_are_enough_and_every_option_is_right_one_time_in_four(items):
    assert 2000 <= len(items) <= 2400 and len({item["id"] for item in items}) == len(items)
    assert all(len({squeeze(option) for option in item["options"]}) == 4 for item in items)
    right, offered = balance(items)
    assert offered == {key: 4 * right[key] for key in offered}
    assert max(Counter(item["answer"] for item in items).values()) < 0.3 * len(items), "no place is right more often"


def test_no_wrong_option_is_right(standards, items):
    ends, starts = defaultdict(set), defaultdict(set)
    names = {node.id: node.name for node in standards.nodes.values()}
    for relation in standards.relations:
        ends[names[relation.start], relation.type].add(names[relation.end])
        starts[names[relation.end], relation.type].add(names[relation.start])
    texts = {squeeze(fact.wordings[-1]): squeeze("".join((*fact.wordings, fact.topic))) for fact in standards.facts}
    for item in items:
        right = item["options"][item["answer"]]
        wrong = {option for option in item["options"] if option != right}
        if item["kind"] in ("forward", "backward"):
            known = [
                names_
                for (name, type_), names_ in (ends if item["kind"] == "forward" else starts).items()
                if type_ == item["type"] and name in item["question"] and right in names_
            ]
            assert known and not any(wrong & names_ for names_ in known if len(known) == 1), item
        elif item["kind"] in ("number", "term"):
            gapped = squeeze(item["question"][item["question"].index("「") + 1 : -1])
            before, after = gapped.split(squeeze("［　　］"))[0], gapped.split(squeeze("［　　］"))[-1]
            whole = [text for key, text in texts.items() if key.startswith(before) and key.endswith(after)]
            assert whole and all(squeeze(right) in text for text in whole)
            if item["kind"] == "term":
                assert not any(squeeze(option) in whole[0] for option in wrong), item


def test_no_question_is_worded_as_a_training_template(items):
    wordings = set()
    for path in (REPOSITORY / "resources/templates").glob("*.yaml"):
        for line in path.read_text(encoding="utf-8").split("\n"):
            wordings |= {normalise(part) for part in re.split(r"\{[^{}]*\}", line) if len(normalise(part)) >= 12}
    frames = [
        re.sub(r"\{[^{}]*\}", "|", text)
        for entry in read_questions(QUESTIONS)["relations"].values()
        for text in entry.values()
    ]
    for frame in frames:
        parts = [normalise(part) for part in frame.split("|") if len(normalise(part)) >= 12]
        assert not wordings.intersection(parts), frame


def test_what_is_held_out_is_in_no_training_graph(standards):
    left = without_held_out(standards, 0.1, 42)
    away = [relation for relation in standards.relations if held_out(standards, relation, 0.1, 42)]
    assert 5 <= len(away) <= 25 and len(left.relations) == len(standards.relations) - len(away)
    assert not any(standards.schema.relations[relation.type].structural for relation in away)
    assert without_held_out(standards, 0, 42) == standards


@st.composite
def random_graphs(draw):
    """Return a graph of tools and tasks, some of one name, with relations between them and facts about them."""
    count = draw(st.integers(4, 40))
    names = [f"道具{draw(st.integers(0, count))}" for _ in range(count)]
    nodes = {f"n{place:02}": Node(f"n{place:02}", "Tool", name) for place, name in enumerate(names)}
    pairs = draw(st.sets(st.tuples(st.sampled_from(sorted(nodes)), st.sampled_from(sorted(nodes))), max_size=90))
    kinds = {name: RelationType(name, f"関係{name}", ("Tool",), ("Tool",), False) for name in ("R", "S")}
    relations = [
        Relation(start, end, draw(st.sampled_from(sorted(kinds))), "理由です。", "手引き", "第1章 道具")
        for start, end in sorted(pairs)
    ]
    vocabulary = Schema({"Tool": "道具"}, kinds, {"道具": 1}, {"手引き": "道具"})
    facts = [
        Fact(
            f"f{n}",
            "n00",
            "value",
            (f"道具の{n}番は{n % 7}mです。",),
            "",
            (f"{n}番",),
            Citation("手引き", "第1章 道具"),
        )
        for n in range(draw(st.integers(0, 20)))
    ]
    return Graph(nodes, sorted(relations, key=lambda r: (r.start, r.type, r.end)), vocabulary, Toc({}), facts)


@settings(max_examples=40, deadline=None)
@given(random_graphs(), st.integers(0, 5))
def test_a_probe_of_any_graph_is_balanced_and_has_one_right_option(random_graph, seed):
    items = make_items(random_graph, read_questions(QUESTIONS), most=300, share=0.2, seed=seed)
    assert items == make_items(random_graph, read_questions(QUESTIONS), most=300, share=0.2, seed=seed)
    right, offered = balance(items)
    assert offered == {key: 4 * right[key] for key in offered}
    ends = defaultdict(set)
    for relation in random_graph.relations:
        ends[random_graph.nodes[relation.start].name, relation.type].add(random_graph.nodes[relation.end].name)
    for item in items:
        assert len(set(item["options"])) == 4
        if item["kind"] == "forward":
            start = re.search("で(道具\\d+)から", item["question"])[1]
            assert [option for option in item["options"] if option in ends[start, item["type"]]] == [
                item["options"][item["answer"]]
            ]


def test_a_fault_in_the_questions_names_file_and_line(tmp_path):
    path = tmp_path / "questions.yaml"
    path.write_text(
        QUESTIONS.read_text(encoding="utf-8").replace("    backward:", "    backwards:", 1), encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"questions.yaml:\d+: unknown key relations.HAS_CHAPTER"):
        read_questions(path)
