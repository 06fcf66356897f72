"""Reading of our own CSV files, each with a header of its own and fields that are what they should be."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tatara.files.text import read_text
from tatara.job.errors import InputError

Row = TypeVar("Row")


def read_rows(path: Path | str, columns: Sequence[str], convert: Callable[[dict[str, str]], Row]) -> list[Row]:
    """Return what `convert` makes of each row.

    Raises:
        InputError: another header, or a field that `convert` refuses with a ValueError (file and line).
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if tuple(reader.fieldnames or ()) != tuple(columns):
        raise InputError(f"{path}:1: expected the header {','.join(columns)}; delete the file and run again")
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"not {len(columns)} fields")
            rows.append(convert(row))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}:{reader.line_num}: {error}; delete the file and run again") from None
    return rows
