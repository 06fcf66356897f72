"""JSON Lines: one object a line, UTF-8, not escaped to ASCII."""

import json
from pathlib import Path

from tatara.errors import InputError
from tatara.files import read_text, write_text


def read_jsonl(path: Path | str) -> list[dict]:
    """Return the objects of a JSONL file in order; empty lines are skipped.

    Raises:
        InputError: a line that is not JSON, or not an object, or not UTF-8 (file and line).
    """
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path | str) -> list[tuple[int, dict]]:
    """Return `(line number, object)` for each line that holds one; raises as `read_jsonl`."""
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not JSON at column {error.colno} ({error.msg}); each line must hold one whole object") from None
        if not isinstance(row, dict):
            raise InputError(f'{path}:{number}: holds a {type(row).__name__}, expected an object such as {{"id": …}}')
        rows.append((number, row))
    return rows


def write_jsonl(path: Path | str, rows: list[dict]) -> None:
    """Write one object a line, LF ends; the file is whole or not there."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
