"""What the other stages read of a graph in a study that has none: an empty one, and what the test questions name."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml

from tatara.data.graph import Graph, write_graph
from tatara.data.schema import Schema
from tatara.data.toc import COLUMNS, Toc
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.text import write_csv, write_text

PLACE = ("volume", "chapter", "section")


def _places(rows: list[dict]) -> list[tuple[str, ...]]:
    """Return the places that questions cite, a chapter before its sections; what is no place is told elsewhere."""
    cited = [place for row in rows for place in row.get("citations") or [] if isinstance(place, dict)]
    texts = [tuple(place.get(key) or "" for key in PLACE) for place in cited]
    known = [place for place in texts if all(isinstance(text, str) for text in place) and place[0] and place[1]]
    return sorted({(volume, chapter, "") for volume, chapter, _ in known} | set(known))


def write_without_graph(
    questions: Iterable[Path | str],
    *,
    nodes: Path,
    relations: Path,
    facts: Path,
    schema: Path,
    toc: Path,
    probe_items: Path,
) -> None:
    """Write a graph of nothing, a vocabulary of the questions' categories, and the places that they cite.

    A table of contents that holds what is cited refuses no citation: without a graph there is none to check against.

    Args:
        questions: files of test and development questions; what is wrong in them is told where they are checked.
        probe_items: gets no item.
    """
    rows = [row for file in questions for row in read_jsonl(file)]
    categories = Counter(row["category"] for row in rows if isinstance(row.get("category"), str) and row["category"])
    write_graph(Graph({}, [], Schema({}, {}, {}, {}), Toc({})), nodes, relations, facts)
    vocabulary = {"labels": {}, "relations": {}, "categories": dict(categories), "volume_category": {}}
    write_text(schema, yaml.safe_dump(vocabulary, allow_unicode=True, sort_keys=False))
    places = [[volume, "", chapter, "", section] for volume, chapter, section in _places(rows)]
    write_csv(toc, list(COLUMNS), places)
    write_jsonl(probe_items, [])
