"""A graph as APOC exports it to JSON, in each of its forms: the same graph as from CSV."""

import json
from pathlib import Path

import pytest
import yaml
from domain_small import FACTS, NODES, RELATIONS, TOC, graph, graph_with_facts, read_csv, schema
from pipeline_copy import Copy
from tatara.data.graph import Graph
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import OTHER_LABELS, LeftOut
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError

FORMS = ("JSON_LINES", "ARRAY_JSON", "JSON", "JSON_ID_AS_KEYS")


def entries() -> tuple[list[dict], list[dict]]:
    """Return nodes and relations of the small domain as APOC has them, with ids of the database."""
    nodes = []
    for number, row in enumerate(read_csv(NODES)):
        values = {"id": row["id:ID"], "name": row["name"], "number": row["number"], "description": row["description"]}
        values = {key: value for key, value in values.items() if value}
        nodes.append(
            {"type": "node", "id": str(7 * number), "labels": ["Concept", row[":LABEL"]], "properties": values}
        )
    short = {node["properties"]["id"]: {"id": node["id"], "labels": node["labels"]} for node in nodes}
    relations = []
    for number, row in enumerate(read_csv(RELATIONS)):
        values = {key: row[key] for key in ("reason", "volume", "chapter", "section") if row[key]}
        ends = {"start": short[row[":START_ID"]], "end": short[row[":END_ID"]]}
        entry = {"id": str(number), "type": "relationship", "label": row[":TYPE"], "properties": values, **ends}
        if not values:
            del entry["properties"]
        relations.append(entry)
    return nodes, relations


def export(path: Path, form: str, nodes: list[dict], relations: list[dict]) -> Path:
    lines = [json.dumps(entry, ensure_ascii=False) for entry in [*nodes, *relations]]
    both = {"nodes": nodes, "rels": relations}
    keyed = {key: {entry["id"]: entry for entry in value} for key, value in both.items()}
    text = {
        "JSON_LINES": "\n".join(lines) + "\n",
        "ARRAY_JSON": "[" + ",\n ".join(lines) + "]",
        "JSON": json.dumps(both, ensure_ascii=False),
        "JSON_ID_AS_KEYS": json.dumps(keyed, ensure_ascii=False, indent=2),
    }
    path.write_text(text[form], encoding="utf-8")
    return path


def load(*files: Path, relations: tuple[Path, ...] = (), left_out: LeftOut | None = None) -> Graph:
    return load_graph(list(files), list(relations), schema(), TOC, left_out)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_graph_as_the_csv(tmp_path, form):
    left_out = LeftOut()
    exported = export(tmp_path / "all.json", form, *entries())
    assert load(exported, left_out=left_out) == graph()
    assert left_out.counts[OTHER_LABELS] == 12
    assert load_graph([exported], [exported], schema(), TOC, fact_files=[FACTS]) == graph_with_facts()


def test_json_and_csv_stand_side_by_side(tmp_path):
    nodes, _ = entries()
    for node in nodes:
        node["id"] = node["properties"].pop("id")
    exported = export(tmp_path / "nodes.json", "JSON_LINES", nodes, [])
    assert load(exported, relations=(RELATIONS,)) == graph()


def test_values_of_all_kinds_are_kept_as_in_csv(tmp_path):
    nodes, relations = entries()
    nodes[6]["properties"] |= {"tags": ["煙", "巣門"], "weight": 1.5, "sold": True, "type": "手動", "gone": None}
    nodes[6]["properties"]["place"] = {"crs": "wgs-84", "latitude": 35.0}
    loaded = load(export(tmp_path / "all.json", "JSON_LINES", nodes, relations))
    kept = {"tags": "煙;巣門", "weight": "1.5", "sold": "true", "type_": "手動"}
    assert loaded.nodes["tool-smoker"].properties == kept | {"place": '{"crs": "wgs-84", "latitude": 35.0}'}


def test_facts_that_are_nodes_are_facts(tmp_path):
    nodes, relations = entries()
    (row,) = [row for row in read_csv(FACTS) if row["topic"] == "ダニの寄生率"]
    place = {key: row[key] for key in ("kind", "topic", "text", "terms", "volume", "chapter")}
    nodes.append({"type": "node", "id": "900", "labels": ["Fact"], "properties": place})
    end, start = {"id": "900", "labels": ["Fact"]}, {"id": nodes[4]["id"], "labels": []}
    relations.append({"id": "901", "type": "relationship", "label": "HAS_FACT", "start": start, "end": end})
    (fact,) = load(export(tmp_path / "all.json", "JSON_LINES", nodes, relations)).facts
    assert (fact.node, fact.topic) == ("pest-mite", "ダニの寄生率")


@pytest.mark.parametrize(
    ("form", "place"), [("JSON_LINES", ":3: "), ("ARRAY_JSON", ":3: "), ("JSON", ": nodes, entry 3: ")]
)
@pytest.mark.parametrize(
    "change",
    [
        {"type": "path"},
        {"id": None},
        {"labels": "Chapter"},
        {"properties": []},
        {"type": "relationship", "label": "USES", "start": {"id": "1"}},
    ],
)
def test_an_entry_that_is_neither_is_named(tmp_path, form, place, change):
    nodes, relations = entries()
    nodes[2] |= change
    with pytest.raises(InputError) as error:
        load(export(tmp_path / "all.json", form, nodes, relations))
    assert f'all.json{place}expected {{"type": "node", "id": …' in str(error.value)


def test_what_is_wrong_in_the_graph_is_named_by_its_line(tmp_path):
    nodes, relations = entries()
    relations[3]["end"] = {"id": "4711"}
    del nodes[5]["properties"]["name"]
    with pytest.raises(InputError) as error:
        load(export(tmp_path / "all.json", "JSON_LINES", nodes, relations))
    assert "all.json:16: dangling relation: there is no node '4711'" in str(error.value)
    assert "all.json:6: node pest-hornet has an empty name" in str(error.value)


def test_json_that_is_cut_off_is_named(tmp_path):
    path = export(tmp_path / "all.json", "JSON", *entries())
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(InputError, match=r"all\.json:1: not JSON at column \d+ .*; export the graph again"):
        load(path)


def test_the_rule_takes_it(copy: Copy):
    export(copy.folder / "all.json", "JSON_LINES", *entries())
    config = read_yaml(copy.folder / "tests/data/beekeeping/beekeeping.yaml")
    config["graph"] |= {"nodes": ["all.json"], "relations": []}
    (copy.folder / "one.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = copy.snakemake("results/graph/nodes.csv", "--cores", "1", config="one.yaml")
    assert done.returncode == 0, done.stdout
    assert [row["id:ID"] for row in read_csv(copy.folder / "results/graph/nodes.csv")] == sorted(graph().nodes)
