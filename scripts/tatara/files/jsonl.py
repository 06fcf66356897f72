"""JSON Lines: one object a line, UTF-8, not escaped to ASCII. One JSON array of objects is read as well."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tatara.files.text import decode, open_bytes, read_text, write_text
from tatara.job.errors import InputError

_REPEATING = {"relation_type", "version", "intent", "template", "start", "end", "category"}
_SURROGATE = "\\ud"  # how an escaped half of a character begins


class _DoubledKey(ValueError):
    """A key that stands twice in an object; its argument is the key."""


def _share_keys(pairs: list[tuple[str, object]]) -> dict:
    """Return an object whose keys, and values that repeat such as a category, are one string in all rows.

    A large pool takes half the memory so.
    """
    row = {
        sys.intern(key): sys.intern(value) if key in _REPEATING and type(value) is str else value
        for key, value in pairs
    }
    if len(row) < len(pairs):
        raise _DoubledKey(next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i])))
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_share_keys)
_BLANK = re.compile(r"[ \t\r\n]*")


def _decode(text: str, position: int, path: Path | str, first_line: int, line: int) -> tuple[object, int]:
    """Return the JSON value at a position of a text, and where it ends.

    Args:
        first_line, line: lines of the file on which the text and the value begin.
    """
    remedy = "each line must hold one whole object, as `jq -c . FILE` writes them"
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        place = f"{path}:{first_line + error.lineno - 1}"
        raise InputError(f"{place}: not JSON at column {error.colno} ({error.msg}); {remedy}") from None
    except _DoubledKey as error:
        raise InputError(f"{path}:{line}: the key {error} stands twice in one object; keep one of them") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}:{line}: not JSON that can be read ({error}); {remedy}") from None


def _row(value: object, text: str, path: Path | str, line: int) -> dict:
    if not isinstance(value, dict):
        raise InputError(f'{path}:{line}: holds a {type(value).__name__}, expected an object such as {{"id": …}}')
    if _SURROGATE in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            message = "holds half of a character, written \\ud…; write the character itself"
            raise InputError(f"{path}:{line}: {message}") from None
    return value


def _array(path: Path | str) -> Iterator[tuple[int, dict]]:
    """Yield the entries of a file that is one JSON array, each with the line on which it begins."""
    text = read_text(path)
    position, line = text.index("[") + 1, 1
    counted = 0  # characters whose line ends are counted
    while True:
        position = _BLANK.match(text, position).end()
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]":
            break
        value, end = _decode(text, position, path, 1, line)
        yield line, _row(value, text[position:end], path, line)
        position = _BLANK.match(text, end).end()
        if text[position : position + 1] == ",":
            position += 1
        elif text[position : position + 1] != "]":
            place = f"{path}:{line + text.count(chr(10), counted, position)}"
            raise InputError(f"{place}: expected , or ] after an entry of the array; write one object a line instead")
    if text[position + 1 :].strip():
        raise InputError(f"{path}:{line}: the array ends here, and more follows; write one object a line instead")


def read_jsonl(path: Path | str) -> list[dict]:
    """Return the objects of a JSONL file in order; empty lines are skipped; raises as `read_numbered`."""
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path | str) -> Iterator[tuple[int, dict]]:
    """Yield `(line number, object)` for each line that holds one, or for each entry of a file that is one array.

    Raises:
        InputError: a line that is not JSON, or not an object, or not UTF-8, a key that stands twice (file and line).
    """
    first = True
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            line = decode(raw, path, number).rstrip("\r\n")
            if not line.strip():
                continue
            if first and line.lstrip().startswith("["):
                yield from _array(path)
                return
            first = False
            value, end = _decode(line, _BLANK.match(line).end(), path, number, number)
            if line[end:].strip():
                remedy = "each line must hold one whole object"
                raise InputError(f"{path}:{number}: not JSON at column {end + 1} (Extra data); {remedy}")
            yield number, _row(value, line, path, number)


def read_fields(path: Path | str, fields: tuple[str, ...]) -> list[dict]:
    """Return these fields of each object: half a million pairs without their texts take a tenth of the memory."""
    return [{field: row[field] for field in fields} for _, row in read_numbered(path)]


def write_jsonl(path: Path | str, rows: Iterable[dict]) -> None:
    """Write one object a line, LF ends; the file is whole or not there."""
    write_text(path, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
