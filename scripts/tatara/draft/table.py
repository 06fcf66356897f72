"""The tables of a draft, OUT/draft/*.csv: what is proposed, where the documents say it, and what a reviewer says."""

from pathlib import Path

from tatara.data.csv_rows import read_table
from tatara.data.schema import nearest
from tatara.files.text import write_csv
from tatara.job.errors import InputError, Problem, raise_problems

DRAFT, ACCEPTED, REJECTED = STATUSES = ("draft", "accepted", "rejected")
EVIDENCE = ("file", "heading", "span_start", "span_end", "evidence")
PLACE = ("volume", "chapter", "section")
COLUMNS = {
    "nodes": ("id", "status", "score", "name", "label", "number", "description", *EVIDENCE),
    "relations": (
        "id",
        "status",
        "score",
        "start",
        "start_name",
        "type",
        "end",
        "end_name",
        "reason",
        *PLACE,
        *EVIDENCE,
    ),
    "facts": (
        *("id", "status", "score", "node", "node_name", "kind", "topic", "text", "text_2", "text_3", "terms"),
        *PLACE,
        *EVIDENCE,
    ),
    "questions": (
        "id",
        "status",
        "score",
        "category",
        "difficulty",
        "question",
        "reference",
        "facts",
        *PLACE,
        *EVIDENCE,
    ),
}
Row = dict[str, str]


def draft_file(folder: Path, table: str) -> Path:
    """Return where a table of a draft lies."""
    return folder / "draft" / f"{table}.csv"


def review_file(folder: Path) -> Path:
    """Return where the review of a draft lies once `make accept` has taken it in."""
    return folder / "draft" / "review.csv"


def write_table(folder: Path, table: str, rows: list[Row]) -> None:
    """Write a table of a draft; a column that a row lacks is empty."""
    columns = COLUMNS[table]
    write_csv(draft_file(folder, table), list(columns), [[row.get(column, "") for column in columns] for row in rows])


def read_draft(folder: Path, table: str) -> list[tuple[str, Row]]:
    """Return the rows of a reviewed table, each with file:line.

    Raises:
        InputError: no such file, a column is missing, an unknown status, an id that stands twice (file and line).
    """
    path, columns = draft_file(folder, table), COLUMNS[table]
    if not path.is_file():
        raise InputError(f"{path}: there is no draft; make one with `make draft DOCS='…/*' OUT={folder}`")
    content = read_table(path, ",".join(columns), lambda names: {"id", "status"} <= set(names))
    if missing := [column for column in columns if column not in content.header]:
        raise InputError(f"{path}:{content.header_line}: missing column {', '.join(missing)}; keep the draft's header")
    rows = [(f"{path}:{line}", dict(zip(content.header, fields, strict=True))) for line, fields in content.rows]
    known: dict[str, str] = {}
    problems = []
    for where, row in rows:
        if row["status"] not in STATUSES:
            hint = nearest(row["status"], STATUSES)
            problems.append(Problem("unknown statuses", f"{where}: unknown status {row['status']!r}{hint}"))
        if row["id"] in known:
            problems.append(
                Problem("ids that stand twice", f"{where}: the id {row['id']} stands at {known[row['id']]}")
            )
        known[row["id"]] = where
    raise_problems(problems)
    return rows
