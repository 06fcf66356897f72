"""What was accepted of a draft, as the files of a domain: nodes, relations, facts, test set, and the study's sizes."""

from pathlib import Path

from tatara.data.facts import BETWEEN_TERMS
from tatara.data.facts import COLUMNS as FACT_COLUMNS
from tatara.data.graph import Graph
from tatara.data.graph_csv import load_graph
from tatara.data.held_out import without_held_out
from tatara.data.pairs import make_pairs
from tatara.data.schema import Schema, read_schema
from tatara.data.templates import read_templates
from tatara.draft.record import SIZES
from tatara.draft.review import reviewed_tables
from tatara.draft.table import ACCEPTED, REJECTED, Row, review_file
from tatara.files.config import read_config
from tatara.files.jsonl import write_jsonl
from tatara.files.text import read_text, write_csv, write_text
from tatara.job.errors import InputError

NODES = {"id:ID": "id", "name": "name", ":LABEL": "label", "number": "number", "description": "description"}
RELATIONS = {":START_ID": "start", ":END_ID": "end", ":TYPE": "type"} | {
    key: key for key in ("reason", "volume", "chapter", "section")
}
MOST_PAIRS = 2000  # of the largest size: enough to see whether the data holds, and soon done
SMALLEST = 8  # pairs, the least that a size may have


def _write(path: Path, columns: dict[str, str], rows: list[Row]) -> None:
    write_csv(path, list(columns), [[row.get(column, "") for column in columns.values()] for row in rows])


def _taken(rows: list[Row], everything: bool) -> list[Row]:
    return [row for row in rows if row["status"] == ACCEPTED or (everything and row["status"] != REJECTED)]


def place_nodes(nodes: list[Row], relations: list[Row]) -> dict[tuple[str, ...], str]:
    """Return the node of each place, by volume, chapter and section as they are cited."""
    by_id = {row["id"]: row for row in nodes}
    parents = {row["end"]: row["start"] for row in relations if row["end"] in by_id and not row["reason"]}
    found = {}
    for id_ in by_id:
        path, above = [], id_
        while above:
            row = by_id.get(above, {})
            path.insert(0, f"{row.get('number', '')} {row.get('name', '')}".strip())
            above = parents.get(above, "")
        found.setdefault(tuple([*path, "", ""][:3]), id_)
    return found


def _with_nodes(facts: list[Row], nodes: list[Row], relations: list[Row]) -> list[Row]:
    """Return facts whose node was taken; others belong to the place that they stand in."""
    known, places = {row["id"] for row in nodes}, place_nodes(nodes, relations)
    kept = []
    for row in facts:
        place = places.get((row["volume"], row["chapter"], row["section"]))
        node = row["node"] if row["node"] in known else place
        if node:
            kept.append(row | {"node": node})
    return kept


def _test_rows(rows: list[Row]) -> list[dict]:
    keys = ("id", "category", "difficulty", "question", "reference")
    return [
        {key: row[key] for key in keys[:1]}
        | {"label": "curated" if row["status"] == ACCEPTED else "draft"}
        | {key: row[key] for key in keys[1:]}
        | {"facts": [part.split("|") for part in row["facts"].split(BETWEEN_TERMS) if part]}
        | {"citations": [{key: row[key] for key in ("volume", "chapter", "section")}]}
        for row in rows
    ]


def sizes_for(pairs: int) -> list[int]:
    """Return sizes of training subsets that a number of pairs allows: a quarter, a half and nearly all of them.

    Raises:
        InputError: there are too few pairs for any size.
    """
    most = min(pairs, MOST_PAIRS)
    sizes = sorted({size for part in (4, 2, 1) if (size := most // part // 8 * 8) >= SMALLEST})
    if not sizes:
        raise InputError(f"what was accepted gives {pairs} pairs; expected at least {SMALLEST}: accept more rows")
    return sizes


def _pairs(graph: Graph, config: dict, schema: Schema) -> int:
    qa = config["qa"]
    templates = read_templates([Path(path) for path in qa["templates"]], schema, qa["answer_chars"])
    taught = without_held_out(graph, config["probe"]["held_out"], config["seed"])
    return len(make_pairs(taught, templates, qa["target_counts"], config["seed"]))


def accept(folder: Path, repository: Path, everything: bool = False, review: Path | None = None) -> dict[str, int]:
    """Write the domain's files from the rows of a draft that were accepted, and the study's sizes to fit them.

    A review is kept as draft/review.csv once all that it accepts has been written, and holds until another is given.
    A relation is left out where one of its ends is; a fact of a term that is left out belongs to its section.

    Args:
        folder: the domain's folder, which holds draft/.
        repository: the folder that the study's paths are relative to.
        everything: take every row that was not rejected.
        review: what draft/review.html saved; draft/review.csv, if there is one, where it is None.

    Returns:
        How many nodes, relations, facts, questions and pairs there are now.

    Raises:
        InputError: no draft, a row of it or of the review that is wrong (file and line), nothing that a pair could be
            made of.
    """
    schema = read_schema(folder / "schema.yaml")
    tables = reviewed_tables(folder, schema, review)
    nodes, relations, facts = (_taken(tables[table], everything) for table in ("nodes", "relations", "facts"))
    known = {row["id"] for row in nodes}
    relations = [row for row in relations if {row["start"], row["end"]} <= known]
    facts = _with_nodes(facts, nodes, relations)
    questions = [row for row in tables["questions"] if row["status"] != REJECTED]
    _write(folder / "nodes.csv", NODES, nodes)
    _write(folder / "relations.csv", RELATIONS, relations)
    _write(folder / "facts.csv", {column: column for column in FACT_COLUMNS}, facts)
    write_jsonl(folder / "test_set.jsonl", _test_rows(questions))
    files = ([folder / "nodes.csv"], [folder / "relations.csv"], schema, folder / "toc.csv")
    graph = load_graph(*files, fact_files=[folder / "facts.csv"])
    study = folder / f"{folder.name}.yaml"
    config = read_config([study], repository)
    templates = [str(repository / path) for path in config["qa"]["templates"]]
    pairs = _pairs(graph, config | {"qa": config["qa"] | {"templates": templates}}, schema)
    text = read_text(study)
    write_text(study, SIZES.sub(rf"\g<1>{sizes_for(pairs)}\g<2>", text))
    if review and review.resolve() != review_file(folder).resolve():
        write_text(review_file(folder), read_text(review))
    return {
        "nodes": len(nodes),
        "relations": len(relations),
        "facts": len(facts),
        "questions": len(questions),
        "pairs": pairs,
    }
