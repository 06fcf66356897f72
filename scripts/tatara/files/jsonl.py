"""JSON Lines: one object a line, UTF-8, not escaped to ASCII."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tatara.files.text import decode, open_bytes, write_text
from tatara.job.errors import InputError

_REPEATING = {"relation_type", "version", "intent", "template", "start", "end", "category"}


def _share_keys(pairs: list[tuple[str, object]]) -> dict:
    """Return an object whose keys, and values that repeat such as a category, are one string in all rows: a large pool
    takes half the memory.
    """
    return {
        sys.intern(key): sys.intern(value) if key in _REPEATING and type(value) is str else value
        for key, value in pairs
    }


def read_jsonl(path: Path | str) -> list[dict]:
    """Return the objects of a JSONL file in order; empty lines are skipped.

    Raises:
        InputError: a line that is not JSON, or not an object, or not UTF-8 (file and line).
    """
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path | str) -> Iterator[tuple[int, dict]]:
    """Yield `(line number, object)` for each line that holds one; raises as `read_jsonl`."""
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            line = decode(raw, path, number)
            if not line.strip():
                continue
            try:
                row = json.loads(line, object_pairs_hook=_share_keys)
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not JSON at column {error.colno} ({error.msg}); each line must hold one whole "
                    "object"
                ) from None
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path}:{number}: not JSON that can be read ({error}); each line must hold one whole object"
                ) from None
            if not isinstance(row, dict):
                raise InputError(
                    f'{path}:{number}: holds a {type(row).__name__}, expected an object such as {{"id": …}}'
                )
            yield number, row


def read_fields(path: Path | str, fields: tuple[str, ...]) -> list[dict]:
    """Return these fields of each object: a pool of half a million pairs without its texts takes a tenth of the memory."""
    return [{field: row[field] for field in fields} for _, row in read_numbered(path)]


def write_jsonl(path: Path | str, rows: Iterable[dict]) -> None:
    """Write one object a line, LF ends; the file is whole or not there."""
    write_text(path, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
