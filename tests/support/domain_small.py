"""The tiny second domain of the tests: a beekeeping handbook of 12 nodes under tests/data/beekeeping."""

import csv
from pathlib import Path

from tatara.data.graph import Graph
from tatara.data.graph_csv import load_graph
from tatara.data.schema import Schema, read_schema
from tatara.data.templates import Template, read_templates
from tatara.data.toc import Toc, read_toc

FOLDER = Path(__file__).parents[1] / "data" / "beekeeping"
NODES, RELATIONS, FACTS, TOC, TEST_SET = (
    FOLDER / name for name in ("nodes.csv", "relations.csv", "facts.csv", "toc.csv", "test_set.jsonl")
)
TEMPLATES = [FOLDER / "templates" / "v1.yaml", FOLDER / "templates" / "v2.yaml"]


def schema() -> Schema:
    return read_schema(FOLDER / "schema.yaml")


def toc() -> Toc:
    return read_toc(TOC)


def graph() -> Graph:
    return load_graph([NODES], [RELATIONS], schema(), TOC)


def graph_with_facts() -> Graph:
    return load_graph([NODES], [RELATIONS], schema(), TOC, fact_files=[FACTS])


def templates() -> list[Template]:
    return read_templates(TEMPLATES, schema())


def changed(source: Path, target: Path, old: str, new: str) -> tuple[Path, int]:
    """Copy a file with one piece of its text replaced; return the copy and the line where the piece stood."""
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {source.name}"
    target.write_text(text.replace(old, new), encoding="utf-8")
    return target, text[: text.index(old)].count("\n") + 1


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
