"""A review of a draft: review.csv, as draft/review.html saves it, checked and laid over the rows of the draft."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tatara.data.csv_rows import read_table
from tatara.data.facts import KINDS
from tatara.data.schema import Schema, nearest
from tatara.data.testset import DIFFICULTIES
from tatara.draft.table import COLUMNS, REJECTED, STATUSES, Row, read_draft, review_file
from tatara.job.errors import InputError, Problem, raise_problems

HEADER = ("table", "id", "field", "value")
DRAFT, DIGEST = "draft", "digest"  # the row that says which draft a review is of
STATUS, MERGED_INTO = "status", "merged_into"
# What a reviewer may write anew, in the order of the page's forms; everything else says where a row comes from.
FIELDS = {
    "nodes": ("name", "description"),
    "relations": ("reason", "type", "start", "end"),
    "facts": ("text", "text_2", "text_3", "topic", "terms", "kind"),
    "questions": ("question", "reference", "facts", "category", "difficulty"),
}
MAY_BE_EMPTY = ("description", "topic", "text_2", "text_3", "terms", "facts")
RANK = {status: rank for rank, status in enumerate(("accepted", "draft", "rejected"))}
Tables = dict[str, list[Row]]
Changes = dict[tuple[str, str], dict[str, str]]  # (table, id) -> field -> value


def read_tables(folder: Path) -> Tables:
    """Return the rows of a draft as they were drafted, by table.

    Raises:
        InputError: no draft, or a row that is wrong (file and line).
    """
    return {table: [row for _, row in read_draft(folder, table)] for table in COLUMNS}


def digest_of(tables: Tables) -> str:
    """Return sixteen hexadecimal digits that the rows of a draft decide."""
    rows = [[table, *(row[column] for column in COLUMNS[table])] for table in COLUMNS for row in tables[table]]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def choices_of(tables: Tables, schema: Schema) -> dict[str, dict[str, list[str]]]:
    """Return the values of the fields that are chosen, not written: table -> field -> values."""
    nodes = [row["id"] for row in tables["nodes"]]
    return {
        "nodes": {},
        "relations": {"start": nodes, "type": list(schema.relations), "end": nodes},
        "facts": {"kind": list(KINDS)},
        "questions": {"category": list(schema.categories), "difficulty": list(DIFFICULTIES)},
    }


def can_merge(node: Row, into: Row) -> bool:
    """Return whether a node may be merged into another: both are terms, not places, and have one label."""
    return bool(node["evidence"] and into["evidence"]) and node["label"] == into["label"]


def _change_problem(tables: dict[str, dict[str, Row]], choices: dict, row: Row) -> Problem | None:
    """Return what is wrong with one row of a review.

    Args:
        tables: table -> id -> row, as it was drafted.
    """
    table, id_, field, value = (row[column] for column in HEADER)
    if table not in tables:
        return Problem("unknown tables", f"unknown table {table!r}{nearest(table, tables)}")
    if id_ not in tables[table]:
        hint = nearest(id_, tables[table])
        return Problem("unknown ids", f"draft/{table}.csv has no row {id_!r}{hint}")
    known = [STATUS, *([MERGED_INTO] if table == "nodes" else []), *FIELDS[table]]
    if field not in known:
        message = f"{table} have no field {field!r} that a review may change{nearest(field, known)}"
        return Problem("unknown fields", message)
    values = STATUSES if field == STATUS else choices[table].get(field)
    if field == MERGED_INTO:
        values = [other for other, node in tables["nodes"].items() if can_merge(tables["nodes"][id_], node)]
    if values is not None and value not in values:
        what = "no term of its label" if field == MERGED_INTO else "unknown"
        return Problem("unknown values", f"{field} of {id_} is {value!r}, which is {what}{nearest(value, values)}")
    if not value and field not in MAY_BE_EMPTY:
        return Problem("empty values", f"{field} of {id_} must not be empty; reject the row instead")
    return None


def _circles(changes: Changes, places: dict) -> Iterator[Problem]:
    for (table, id_), fields in changes.items():
        if MERGED_INTO in fields and _kept(changes, id_) is None:
            where = places[table, id_, MERGED_INTO]
            message = f"{where}: {id_} is merged into itself, by way of {fields[MERGED_INTO]}; keep one of the two"
            yield Problem("nodes merged in a circle", message)


def _kept(changes: Changes, node: str) -> str | None:
    """Return the node that a node was merged into in the end, itself where it was not; None in a circle."""
    seen = set()
    while into := changes.get(("nodes", node), {}).get(MERGED_INTO):
        if node in seen:
            return None
        seen.add(node)
        node = into
    return node


def _check_digest(path: Path, folder: Path, rows: list[tuple[int, Row]], digest: str) -> None:
    found = [row["value"] for _, row in rows if row["table"] == DRAFT and row["field"] == DIGEST]
    if not found:
        raise InputError(
            f"{path}: no row says which draft this is a review of (draft,,digest,…); expected the file that "
            f"{folder}/draft/review.html saves"
        )
    if found != [digest]:
        raise InputError(
            f"{path}: this is a review of the draft {found[0]}, but the rows in {folder}/draft/*.csv are the draft "
            f"{digest}: they have changed since; open this file in {folder}/draft/review.html as it is now (Open), "
            "save it again and give that: what still fits is taken over"
        )


def read_review(path: Path, folder: Path, tables: Tables, choices: dict) -> Changes:
    """Read a review of the draft in a domain's folder.

    Args:
        tables: the rows of the draft, as `read_tables` gives them.
        choices: as `choices_of` gives them.

    Returns:
        (table, id) -> field -> value, of the rows that the review says something about.

    Raises:
        InputError: no such file; a review of another draft; an unknown table, id, field or value, a field that stands
            twice, nodes that are merged in a circle (file and line).
    """
    content = read_table(path, ",".join(HEADER), lambda names: set(HEADER) <= set(names))
    if missing := [column for column in HEADER if column not in content.header]:
        raise InputError(f"{path}:{content.header_line}: missing column {', '.join(missing)}; the header is {HEADER}")
    rows = [(line, dict(zip(content.header, fields, strict=True))) for line, fields in content.rows]
    _check_digest(path, folder, rows, digest_of(tables))
    by_id = {table: {row["id"]: row for row in content} for table, content in tables.items()}
    changes: Changes = defaultdict(dict)
    problems, places = [], {}
    for line, row in rows:
        if row["table"] == DRAFT and row["field"] == DIGEST:
            continue
        table, id_, field, value = (row[column] for column in HEADER)
        if problem := _change_problem(by_id, choices, row):
            problems.append(Problem(problem.kind, f"{path}:{line}: {problem}"))
        elif (table, id_, field) in places:
            message = f"{path}:{line}: {field} of {id_} stands at {places[table, id_, field]} as well; keep one"
            problems.append(Problem("fields that stand twice", message))
        else:
            places[table, id_, field] = f"{path}:{line}"
            changes[table, id_][field] = value
    raise_problems([*problems, *_circles(changes, places)])
    return dict(changes)


def _reject_doubles(rows: list[Row], key: tuple[str, ...], moved: set[str]) -> None:
    """Reject what a merge made double: of rows with one key the one of the best status stays."""
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in key)].append(row)
    for group in groups.values():
        if any(row["id"] in moved for row in group):
            for row in sorted(group, key=lambda row: RANK[row["status"]])[1:]:
                row["status"] = REJECTED


def apply_review(tables: Tables, changes: Changes) -> Tables:
    """Return the rows of a draft as a review leaves them.

    The relations and facts of a node that was merged into another belong to that one; the merged node is rejected, and
    so is a relation that would lead from the kept node to itself, or that it has already.
    """
    edited = {
        table: [row | {k: v for k, v in changes.get((table, row["id"]), {}).items() if k in row} for row in rows]
        for table, rows in tables.items()
    }
    kept = {id_: _kept(changes, id_) for (table, id_), fields in changes.items() if MERGED_INTO in fields}
    for row in edited["nodes"]:
        row["status"] = REJECTED if row["id"] in kept else row["status"]
    ends = {"relations": ("start", "end"), "facts": ("node",)}
    moved = {
        row["id"] for table, columns in ends.items() for row in edited[table] if {row[c] for c in columns} & kept.keys()
    }
    for table, columns in ends.items():
        for row in edited[table]:
            row |= {column: kept.get(row[column], row[column]) for column in columns}
    for row in edited["relations"]:
        if row["id"] in moved and row["start"] == row["end"]:
            row["status"] = REJECTED
    _reject_doubles(edited["relations"], ("start", "type", "end"), moved)
    _reject_doubles(edited["facts"], ("node", "text"), moved)
    return edited


def reviewed_tables(folder: Path, schema: Schema, review: Path | None = None) -> Tables:
    """Return the rows of a draft with a review laid over them: the one given, else draft/review.csv where there is one.

    Raises:
        InputError: the draft or the review is wrong (file and line).
    """
    tables, path = read_tables(folder), review or review_file(folder)
    if not path.is_file():
        if review:
            raise InputError(f"{path}: there is no such file; give the review that {folder}/draft/review.html saved")
        return tables
    return apply_review(tables, read_review(path, folder, tables, choices_of(tables, schema)))
