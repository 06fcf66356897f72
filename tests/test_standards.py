"""The graph of the standards itself: its counts, its places, its texts."""

from collections import Counter

import pytest
from pipeline_copy import REPOSITORY
from tatara.data.graph_csv import load_graph
from tatara.data.quality import polite
from tatara.data.schema import read_schema
from tatara.files.config import read_config
from tatara.files.sentences import sentences

LABELS = {
    "Standard": 7,
    "Chapter": 72,
    "Section": 36,
    "Item": 25,
    "FacilityType": 20,
    "HazardType": 8,
    "TechnicalConcept": 22,
    "RequirementType": 5,
    "ProcessConcept": 5,
}
RELATIONS = {
    "HAS_CHAPTER": 72,
    "HAS_SECTION": 36,
    "HAS_ITEM": 25,
    "DESCRIBED_IN": 31,
    "SUBJECT_TO": 22,
    "REQUIRES": 21,
    "DEFINED_IN": 20,
    "USED_IN": 18,
    "MITIGATES": 10,
    "AFFECTS": 9,
    "PRECEDES": 4,
}


@pytest.fixture(scope="module")
def standards():
    files = read_config([REPOSITORY / "config/config.yaml"], REPOSITORY)["graph"]
    nodes, relations = ([REPOSITORY / name for name in files[key]] for key in ("nodes", "relations"))
    return load_graph(nodes, relations, read_schema(REPOSITORY / files["schema"]), REPOSITORY / files["toc"])


def test_counts_are_the_papers(standards):
    assert Counter(node.label for node in standards.nodes.values()) == LABELS
    assert Counter(relation.type for relation in standards.relations) == RELATIONS


def test_the_table_of_contents_is_whole_and_all_of_its_chapters_are_nodes(standards):
    places = list(standards.toc.places)
    chapters = {place for place in places if place.chapter and not place.section}
    assert (len({place.volume for place in places}), len(chapters)) == (7, 72)
    assert sum(bool(place.section) for place in places) == 342
    assert {
        standards.citation(identity) for identity, node in standards.nodes.items() if node.label == "Chapter"
    } == chapters


def test_sections_stand_in_the_table_of_contents_and_items_under_them(standards):
    for identity, node in standards.nodes.items():
        if node.label == "Section":
            assert standards.citation(identity) in standards.toc.places
        if node.label == "Item":
            assert [above.label for above in standards.chain(identity)][:2] == ["Standard", "Chapter"]
            assert node.number


def test_descriptions_and_reasons_say_something_of_their_own(standards):
    descriptions = [node.description for node in standards.nodes.values()]
    reasons = [
        relation.reason for relation in standards.relations if not standards.schema.relations[relation.type].structural
    ]
    assert all(polite(sentence) for text in descriptions + reasons for sentence in sentences(text))
    assert len(set(descriptions)) == 200
    assert all(60 <= len(text) <= 200 and text.endswith("。") for text in descriptions)
    assert len(set(reasons)) == 135
    assert all(text.count("。") == 1 and text.endswith("。") for text in reasons)
