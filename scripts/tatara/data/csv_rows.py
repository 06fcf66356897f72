"""CSV as people have it, read strictly: the separator is found from the header, quotes must be whole, nothing is lost.

Accepted: `,`, tab or `;` as separator, Excel's first line `sep=;`, columns without name and content, rows of commas
alone, spaces before a quote.
"""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tatara.files.text import read_text
from tatara.job.errors import InputError, Problem, raise_problems

SEPARATORS = (",", "\t", ";")
FULL_WIDTH = "，；"
UNREAD = ("", ":IGNORE")  # names of columns that may stand several times
_SEP = re.compile(r"sep=([,;|\t])[ \r]*", re.IGNORECASE)  # Excel's own
_INVISIBLE = "\u200b\u2060\ufeff"  # stripped from header fields, beside white space


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file.

    Attributes:
        header: names of the columns, stripped; the empty ones at the end are gone.
        header_line: line of the file that holds them.
        rows: (line of the file on which the row begins, its fields, stripped); empty rows are left out.
    """

    header: list[str]
    header_line: int
    rows: list[tuple[int, list[str]]]


def _parse(path: Path | str, text: str, separator: str, first_line: int) -> list[tuple[int, list[str]]]:
    """Return (line, fields) of each row, the header among them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    rows, line = [], first_line
    try:
        for fields in reader:
            rows.append((line, [field.strip() for field in fields]))
            line = first_line + reader.line_num
    except csv.Error as error:
        raise InputError(f'{path}:{line}: {error}; quotes inside a quoted field are doubled ("")') from None
    return rows


def _separator(header: str, knows: Callable[[list[str]], bool]) -> str:
    """Return the separator with which the header line has the columns that are looked for, `,` where none does."""
    for separator in SEPARATORS:
        if knows([field.strip().strip('"').strip(_INVISIBLE) for field in header.split(separator)]):
            return separator
    return ","


def _field_problem(path: Path | str, line: int, fields: list[str], header: list[str]) -> Problem | None:
    """Return what is wrong with the number of a row's fields; empty ones beyond the header do not count."""
    where = f"{path}:{line}"
    if len(fields) == 1 and any(sign in fields[0] for sign in FULL_WIDTH):
        kind, remedy = "rows with full-width separators", "is separated by full-width signs; write , instead of ，"
        return Problem(kind, f"{where}: the row {remedy}")
    if len(fields) < len(header) or any(fields[len(header) :]):
        kind = "rows with another number of fields than the header"
        remedy = "put fields that hold commas or quotes in quotes"
        return Problem(kind, f"{where}: {len(fields)} fields, the header has {len(header)}; {remedy}")
    nameless = [number for number, name in enumerate(header) if not name and fields[number]]
    if nameless:
        kind = "values in columns without a name"
        remedy = "write its name into the header, or :IGNORE"
        return Problem(kind, f"{where}: column {nameless[0] + 1} has no name and holds {fields[nameless[0]]}; {remedy}")
    return None


def _without_empty_end(header: list[str], rows: list[tuple[int, list[str]]]) -> list[str]:
    """Return the header without its last columns that have neither a name nor a value, as spreadsheets leave them."""
    longest = max((number + 1 for _, fields in rows for number, field in enumerate(fields) if field), default=0)
    while header and not header[-1] and len(header) > longest:
        header = header[:-1]
    return header


def read_table(path: Path | str, expected: str, knows: Callable[[list[str]], bool]) -> Table:
    """Read a CSV file with a header.

    Args:
        expected: the header that messages show.
        knows: tells whether a list of column names is such a header; the separator is chosen by it.

    Raises:
        InputError: no such file, not UTF-8, no header, a column that stands twice, broken quotes, rows with too few or
            too many fields (file, line).
    """
    text = read_text(path)
    first, _, rest = text.partition("\n")
    line, separator = 1, None
    if named := _SEP.fullmatch(first):
        line, separator, text = 2, named[1], rest
        first = text.partition("\n")[0]
    if not first.strip():
        raise InputError(f"{path}:{line}: the file is empty; expected the header {expected}")
    if first.lstrip().startswith(("{", "[")):
        raise InputError(f"{path}:{line}: this is JSON, expected CSV with the header {expected}; export it as CSV")
    (header_line, names), *rows = _parse(path, text, separator or _separator(first, knows), line)
    rows = [(number, fields) for number, fields in rows if any(fields)]
    header = _without_empty_end([name.strip(_INVISIBLE).strip() for name in names], rows)
    doubled = next((name for name in header if name not in UNREAD and header.count(name) > 1), None)
    if doubled:
        raise InputError(f"{path}:{header_line}: the column {doubled} stands twice in the header; rename or remove one")
    raise_problems(filter(None, (_field_problem(path, number, fields, header) for number, fields in rows)))
    return Table(header, header_line, [(number, fields[: len(header)]) for number, fields in rows])
