"""Tables as they are read: a layout turns rows of plain numbers into text, for the Markdown files and for the pages."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas

from tatara.report.numbers import DASH


@dataclass(frozen=True)
class Column:
    """How a column is written: the text of a row, whether it is a number, which stands on the right, and whether the
    column is left out of a table where no row has anything to say in it.
    """

    text: Callable[[dict], str]
    numeric: bool = True
    optional: bool = False


@dataclass(frozen=True)
class Layout:
    """Title, note and columns by heading; `{level}` in the note is the confidence level, `empty` stands for no rows."""

    title: str
    note: str
    columns: dict[str, Column]
    empty: str = "No rows."


@dataclass(frozen=True)
class TextTable:
    """A table as it is read: headings and rows of text, and which columns hold numbers."""

    title: str
    note: str
    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    empty: str


def lay_out(layout: Layout, frame: pandas.DataFrame, level: str = "") -> TextTable:
    """Return the rows of a frame as a layout writes them; `level` is the confidence level as the note has it."""
    rows = frame.to_dict("records")
    columns = {
        heading: column
        for heading, column in layout.columns.items()
        if not column.optional or any(column.text(row) != DASH for row in rows)
    }
    return TextTable(
        layout.title,
        layout.note.format(level=level),
        list(columns),
        [[column.text(row) for column in columns.values()] for row in rows],
        [column.numeric for column in columns.values()],
        layout.empty,
    )


def markdown(table: TextTable, notice: str) -> str:
    """Return a Markdown document of one table, with the notice on top where there is one."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    parts = [f"### {table.title}"] + ([f"> **{notice}**"] if notice else [])
    if table.rows:
        rule = "|" + "|".join(" ---: " if numeric else " --- " for numeric in table.numeric) + "|"
        parts.append("\n".join([line(table.headings), rule, *map(line, table.rows)]))
    else:
        parts.append(table.empty)
    return "\n\n".join([*parts, table.note]) + "\n"


def read_table(path: Path | str) -> pandas.DataFrame:
    """Return a table as it was written to CSV."""
    return pandas.read_csv(path, keep_default_na=False, na_values=[""])
