"""Headers of a graph's CSV files: Neo4j's bulk import, APOC's exports, plain tables.

Bulk import: `id:ID(Space)`, `name:string`, `:LABEL`, `:START_ID(Space)`, `:END_ID`, `:TYPE`, `x:IGNORE`. APOC's default
export is one file of nodes and relations: `_id`, `_labels`, `_start`, `_end`, `_type`. A plain table has `id`, `label`
or `start`, `end`, `type`.
"""

import re
from dataclasses import dataclass

NODE_COLUMNS = {"id": "id:ID", "name": "name", "label": ":LABEL"}
RELATION_COLUMNS = {"start": ":START_ID", "end": ":END_ID", "type": ":TYPE"}
NODE_ROLES, RELATION_ROLES = ("id", "label"), ("start", "end", "type")
_BULK = {"ID": "id", "LABEL": "label", "START_ID": "start", "END_ID": "end", "TYPE": "type"}
_APOC = {"_id": "id", "_labels": "label", "_start": "start", "_end": "end", "_type": "type"}
_PLAIN = ({"id": "id", "label": "label"}, {"id": "id", "labels": "label"}, {key: key for key in RELATION_ROLES})
_SPACE = re.compile(r"\(([^)]*)\)")
_IGNORED = "IGNORE"


def property_key(name: str) -> str:
    """Return the key of a mere property: one called like a key with a role gets an underscore, `type` -> type_."""
    return f"{name}_" if name in _BULK.values() else name


def _keys(names: list[str]) -> list[str | None]:
    keys: list[str | None] = []
    for field in names:
        name, _, kind = field.partition(":")
        role = re.sub(r"[({\[].*", "", kind).upper()
        key = _BULK.get(role) or _APOC.get(name) or property_key(name)
        keys.append(None if role == _IGNORED or not field else key)
    for plain in _PLAIN:
        if plain.keys() <= set(names) and not set(plain.values()) & set(keys):
            keys = [plain.get(field, key) for field, key in zip(names, keys, strict=True)]
    return keys


@dataclass(frozen=True)
class Header:
    """The columns of a file.

    Attributes:
        names: as they stand in the file.
        keys: `id:ID(Place)` -> id, `number:string` -> number, `type:string` -> type_, `x:IGNORE` -> None.
    """

    names: list[str]
    keys: list[str | None]

    @classmethod
    def of(cls, names: list[str]) -> "Header":
        return cls(names, _keys(names))

    @property
    def has_nodes(self) -> bool:
        return NODE_COLUMNS.keys() <= set(self.keys)

    @property
    def has_relations(self) -> bool:
        return RELATION_COLUMNS.keys() <= set(self.keys)

    @property
    def spaces(self) -> dict[str, str]:
        """Key of a column of ids -> its id space, "" for none: `:START_ID(Place)` -> Place."""
        matches = {key: _SPACE.search(name) for name, key in zip(self.names, self.keys, strict=True)}
        return {key: matches[key][1] if matches.get(key) else "" for key in ("id", "start", "end")}

    @property
    def own_id(self) -> str | None:
        """The property that is a node's id where the id column has no name, as in exports by APOC; else None.

        The numbers of such a column are the database's, which change from export to export; the property `id` is what
        the database holds.
        """
        columns = dict(zip(self.keys, self.names, strict=True))
        nameless = columns.get("id", "").partition(":")[0] in ("", "_id")
        return property_key("id") if nameless and property_key("id") in columns else None

    def problem(self, required: dict[str, str]) -> str | None:
        """Return what is wrong with it as the header of a file with these columns, or None."""
        line, expected = ",".join(self.names), ",".join(required.values())
        if not set(self.keys) & {*NODE_ROLES, *RELATION_ROLES}:
            remedy = "write , instead of ，" if "，" in line else "put the header above it"
            return f"missing column {', '.join(required.values())}: the first line is {line}; {remedy}: {expected},…"
        missing = [field for key, field in required.items() if key not in self.keys]
        if missing:
            return f"missing column {', '.join(missing)}; the header is {line}"
        doubled = sorted({key for key in self.keys if key is not None and self.keys.count(key) > 1})
        return f"the column {doubled[0]} stands twice in the header; rename or remove one" if doubled else None
