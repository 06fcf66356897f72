"""Rows of a graph as they are read, of files or of a database: their values as a CSV field holds them."""

import json
import sys
from dataclasses import dataclass

from tatara.data.graph_header import property_key
from tatara.job.errors import InputError

SHORT = 64  # characters; what is shorter, such as ids and places, stands in many rows and is kept once


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        where: file:line.
        values: key -> value; the keys are those of NODE_COLUMNS or RELATION_COLUMNS, and properties.
        exported_id: of a node, the id that relations of the same export name; `values["id"]` may be another.
        spaces: id, start, end -> the id space that the header names, "" for none.
    """

    where: str
    values: dict[str, str]
    exported_id: str
    spaces: dict[str, str]


def value_text(value: object) -> str:
    """Return a property's value as a CSV field holds it: lists apart by `;`, a point or a map as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(map(value_text, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = value.iso_format() if hasattr(value, "iso_format") else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return sys.intern(text) if len(text) < SHORT else text


def property_values(where: str, values: dict, own: tuple[str, ...] = ()) -> dict[str, str]:
    """Return properties by the keys that they have in CSV; `own` keys stay as they are, and null is no value.

    Raises:
        InputError: two properties that would have one key there, such as `a:b` and `a_b`.
    """
    values = {name: value for name, value in values.items() if value is not None}
    keys = {name: name if name in own else property_key(name.replace(":", "_")) for name in values}
    if len(set(keys.values())) < len(keys):
        doubled = [name for name, key in keys.items() if list(keys.values()).count(key) > 1]
        raise InputError(f"{where}: the properties {' and '.join(doubled)} would be one column in CSV; rename one")
    return {sys.intern(keys[name]): value_text(value) for name, value in values.items()}
