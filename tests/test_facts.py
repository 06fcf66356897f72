"""The facts of the domain: each is told in three wordings that hold the same numbers and terms, and has its place."""

import csv
import re
from collections import Counter

import pytest
from pipeline_copy import REPOSITORY
from tatara.data.toc import read_toc
from tatara.files.normalise import squeeze

GRAPH = REPOSITORY / "resources/graph"
WORDINGS = ("text", "text_2", "text_3")
KINDS = {"definition", "value", "condition", "procedure", "reason", "exception", "comparison"}
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@pytest.fixture(scope="module")
def facts() -> list[dict]:
    with (GRAPH / "facts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_fact_has_a_node_a_place_and_a_kind(facts):
    nodes = set()
    for name in ("nodes_domain.csv", "nodes_structure.csv"):
        with (GRAPH / name).open(encoding="utf-8", newline="") as file:
            nodes |= {row["id:ID"] for row in csv.DictReader(file)}
    places = {(place.volume, place.chapter, place.section) for place in read_toc(GRAPH / "toc.csv").places}
    for fact in facts:
        assert fact["node"] in nodes, fact
        assert fact["kind"] in KINDS, fact
        assert (fact["volume"], fact["chapter"], fact["section"]) in places, fact


def test_wordings_differ_and_hold_the_same_numbers_and_terms(facts):
    for fact in facts:
        texts = [fact[name] for name in WORDINGS]
        assert len(set(texts)) == 3, fact
        numbers = [sorted(NUMBER.findall(squeeze(text))) for text in texts]
        assert numbers[0] == numbers[1] == numbers[2], fact
        for text in texts:
            assert 30 <= len(text) <= 120, text
            assert re.search(r"(です|ます|ません|でした|ました)。$", text), text
            assert all(squeeze(term) in squeeze(text) for term in fact["terms"].split(";")), (fact["terms"], text)


def test_no_fact_stands_twice_and_nearly_all_sections_have_four(facts):
    assert len({fact["text"] for fact in facts}) == len(facts) >= 2500
    by_section = Counter((fact["volume"], fact["chapter"], fact["section"]) for fact in facts)
    with (GRAPH / "toc.csv").open(encoding="utf-8", newline="") as file:
        sections = sum(bool(row["section"]) for row in csv.DictReader(file))
    # Sections of which the standards print the heading alone have fewer.
    assert sum(count >= 4 for count in by_section.values()) >= sections - 14
