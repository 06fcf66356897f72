"""The vocabulary of a domain: labels, relation types, test categories (resources/graph/schema.yaml)."""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from tatara.files.control_tokens import token_problem
from tatara.files.json_schema import schema_errors
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
from tatara.job.errors import InputError, raise_problems

NO_CATEGORY = "no category"  # of a pair whose place nobody knows
MOST_NAMES = 5000  # that a name is compared with, to say which one was meant
_NAME = {"type": "string", "pattern": r"\S"}
_LABELS = {"type": "array", "minItems": 1, "items": _NAME, "description": "expected a list of labels"}
_RELATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "from", "to"],
    "description": "expected name, from and to, for example {name: 章の構成, from: [Standard], to: [Chapter]}",
    "properties": {
        "name": _NAME | {"description": "the name that figures show"},
        "from": _LABELS,
        "to": _LABELS,
        "structural": {"type": "boolean", "description": "whether it belongs to the table of contents"},
    },
}
_COUNT = {"type": "integer", "minimum": 0, "description": "expected how many questions it has"}


def _section(entry: dict, description: str) -> dict:
    """Return the schema of a section; it is empty in a study without a graph."""
    return {"type": "object", "additionalProperties": entry, "description": description}


_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["labels", "relations", "categories", "volume_category"],
    "properties": {
        "labels": _section(_NAME | {"description": "expected a display name"}, "node label -> display name"),
        "relations": _section(_RELATION, "relation type -> name, from, to"),
        "categories": _section(_COUNT, "test category -> how many of the evaluated questions it has"),
        "volume_category": _section(_NAME, "volume -> category of the pairs that cite it"),
    },
}


@dataclass(frozen=True)
class RelationType:
    """A relation type: its display name, the labels its ends may have, whether it belongs to the table of contents."""

    type: str
    name: str
    start_labels: tuple[str, ...]
    end_labels: tuple[str, ...]
    structural: bool


@dataclass(frozen=True)
class Schema:
    """The checked vocabulary.

    Attributes:
        labels: node label -> display name.
        relations: relation type -> what it is.
        categories: test category -> how many of the evaluated questions it has.
        volume_category: volume -> the category of a QA pair that cites it.
    """

    labels: dict[str, str]
    relations: dict[str, RelationType]
    categories: dict[str, int]
    volume_category: dict[str, str]

    @cached_property
    def levels(self) -> dict[str, int]:
        """Label -> its level in the table of contents: 0 volume, 1 chapter, 2 section, 3 and more below."""
        structural = [relation for relation in self.relations.values() if relation.structural]
        edges = [
            (start, end) for relation in structural for start in relation.start_labels for end in relation.end_labels
        ]
        levels = {label: 0 for edge in edges for label in edge}
        for _ in range(len(levels) + 1):
            raised = {end: levels[start] + 1 for start, end in edges if levels[end] <= levels[start]}
            if not raised:
                return levels
            levels |= raised
        raise InputError(
            f"the structural relations {', '.join(r.type for r in structural)} go in a circle; a table of contents is "
            "a tree"
        )


def nearest(word: str, known) -> str:
    """Return a hint such as `; did you mean HAS_CHAPTER?`, or `; known: …` where nothing comes near."""
    known = list(known)
    if len(known) > MOST_NAMES:
        return ""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if len(known) <= 15 else ""


def _cross_problems(content: dict) -> list[tuple[tuple, str]]:
    """Return what is wrong between the sections: path of the key, message."""
    labels, categories = content["labels"], content["categories"]
    problems = []
    for type_, entry in content["relations"].items():
        for end in ("from", "to"):
            for index, label in enumerate(entry[end]):
                if label not in labels:
                    message = f"relations.{type_}.{end}: unknown label {label}{nearest(label, labels)}"
                    problems.append((("relations", type_, end, index), message))
    for volume, category in content["volume_category"].items():
        if category not in categories:
            message = f"volume_category.{volume}: unknown category {category}{nearest(category, categories)}"
            problems.append((("volume_category", volume), message))
    names = {("labels", label): name for label, name in labels.items()}
    names |= {("relations", type_, "name"): entry["name"] for type_, entry in content["relations"].items()}
    for path, name in names.items():
        if message := token_problem(".".join(path), name):
            problems.append((path, message))
    return problems


def read_schema(path: Path | str) -> Schema:
    """Read and check schema.yaml.

    Raises:
        InputError: every problem found, each with file, line and key.
    """
    content, lines = read_yaml_lines(path)
    problems = schema_errors(content, _FILE) or _cross_problems(content)
    raise_problems(f"{path}:{nearest_line(lines, key)}: {message}" for key, message in problems)
    relations = {
        type_: RelationType(
            type_, entry["name"], tuple(entry["from"]), tuple(entry["to"]), entry.get("structural", False)
        )
        for type_, entry in content["relations"].items()
    }
    schema = Schema(content["labels"], relations, content["categories"], content["volume_category"])
    try:
        _ = schema.levels
    except InputError as error:
        raise InputError(f"{path}:{nearest_line(lines, ('relations',))}: {error}") from None
    return schema
