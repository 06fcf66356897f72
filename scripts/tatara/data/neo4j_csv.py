"""CSV files in the header format of Neo4j's bulk import, as they are exported: typed headers, several files, differing
columns.
"""

import csv
import io
import re
from pathlib import Path

from tatara.files.text import read_text
from tatara.job.errors import InputError

NODE_COLUMNS = {"id": "id:ID", "name": "name", "label": ":LABEL"}
RELATION_COLUMNS = {"start": ":START_ID", "end": ":END_ID", "type": ":TYPE"}
_ROLES = {"ID": "id", "LABEL": "label", "START_ID": "start", "END_ID": "end", "TYPE": "type"}


def property_key(name: str) -> str:
    """Return the key of a mere property: one that is called like a key with a role gets an underscore, `type` -> type_."""
    return f"{name}_" if name in _ROLES.values() else name


def _column(header: str) -> str | None:
    """Return the key of a header field: `id:ID(Place)` -> id, `number:string` -> number, `type:string` -> type_,
    `x:IGNORE` -> None.
    """
    name, _, kind = header.strip().partition(":")
    role = re.sub(r"[({].*", "", kind).upper()
    if role == "IGNORE":
        return None
    return _ROLES.get(role, property_key(name))


def read_rows(path: Path | str, required: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return `(file:line, values by key)` for each row; values are stripped.

    Args:
        required: key -> header field that must be there.

    Raises:
        InputError: no header, a missing or doubled column, broken quotes, a row with too few or too many fields (file
            and line).
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    rows = []
    line = 1
    try:
        header = next(reader, None)
        if not header:
            raise InputError(f"{path}:1: the file is empty; expected the header {','.join(required.values())},…")
        keys = [_column(field) for field in header]
        for key, field in required.items():
            if key not in keys:
                raise InputError(f"{path}:1: missing column {field}; the header is {','.join(header)}")
        doubled = sorted({key for key in keys if key is not None and keys.count(key) > 1})
        if doubled:
            raise InputError(f"{path}:1: the column {doubled[0]} stands twice in the header")
        line = reader.line_num + 1
        for fields in reader:
            where, line = f"{path}:{line}", reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(keys):
                raise InputError(
                    f"{where}: {len(fields)} fields, the header has {len(keys)}; put fields that hold commas or "
                    "quotes in quotes"
                )
            rows.append(
                (where, {key: field.strip() for key, field in zip(keys, fields, strict=True) if key is not None})
            )
    except csv.Error as error:
        raise InputError(f'{path}:{line}: {error}; quotes inside a quoted field are doubled ("")') from None
    return rows
