"""A graph as APOC exports it to JSON, read as rows: one object a line, one array, or one object of nodes and rels."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tatara.data.graph_rows import Row, property_values
from tatara.files.jsonl import read_numbered
from tatara.files.text import decode, open_bytes, read_text
from tatara.job.errors import InputError, Problem, raise_problems

_WHOLE = re.compile(r'\s*\{\s*"(?:nodes|rels)"\s*:')
_SPACES = {"id": "", "start": "", "end": ""}
_EXPECTED = (
    'expected {"type": "node", "id": …, "labels": […], "properties": {…}} or {"type": "relationship", "label": …, '
    '"start": {"id": …}, "end": {"id": …}}, as apoc.export.json.all writes them'
)


def is_json(path: Path | str) -> bool:
    """Return whether a file begins as JSON does; a CSV header begins otherwise.

    Raises:
        InputError: no such file, not UTF-8.
    """
    with open_bytes(path) as file:
        first = next((line for line in file if line.strip()), b"")
    return decode(first, path).lstrip().startswith(("{", "["))


def _entries(path: Path | str) -> Iterator[tuple[str, dict]]:
    """Yield nodes and relations with their places: file:line, or the number of the entry in one object."""
    text = read_text(path)
    if not _WHOLE.match(text):
        yield from ((f"{path}:{line}", entry) for line, entry in read_numbered(path))
        return
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"not JSON at column {error.colno} ({error.msg}); export the graph again"
        raise InputError(f"{path}:{error.lineno}: {message}") from None
    for kind in ("nodes", "rels"):
        entries = whole.get(kind, [])
        entries = entries.values() if isinstance(entries, dict) else entries
        yield from ((f"{path}: {kind}, entry {number}", entry) for number, entry in enumerate(entries, start=1))


def _id(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _row(where: str, entry: object) -> Row | None:
    """Return an entry as a row, None where it is neither a node nor a relation."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    properties = entry.get("properties", {}) if kind else None
    if not isinstance(properties, dict):
        return None
    if kind == "node":
        labels, id_ = entry.get("labels", []), _id(entry.get("id"))
        if not id_ or not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            return None
        values = {"id": id_, "name": ""} | property_values(where, properties, ("id",)) | {"label": ";".join(labels)}
        return Row(where, values | {"id": values["id"] or id_}, id_, _SPACES)
    ends = {key: _id(entry[key].get("id")) if isinstance(entry.get(key), dict) else "" for key in ("start", "end")}
    if kind != "relationship" or not all(ends.values()) or not isinstance(entry.get("label"), str):
        return None
    return Row(where, property_values(where, properties) | ends | {"type": entry["label"]}, "", _SPACES)


def read_json_rows(path: Path | str) -> tuple[list[Row], list[Row]]:
    """Return the nodes and the relations of a file.

    A node's property `id` is its id, as in APOC's CSV; the export's own number is only what relations name it by.

    Raises:
        InputError: not JSON, or entries that are neither a node nor a relation, each with its place.
    """
    nodes, relations, problems = [], [], []
    for where, entry in _entries(path):
        row = _row(where, entry)
        if row is None:
            problems.append(Problem("entries that are no node and no relation", f"{where}: {_EXPECTED}"))
        else:
            (relations if "type" in row.values else nodes).append(row)
    raise_problems(problems)
    return nodes, relations
