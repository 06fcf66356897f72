"""The vocabulary of a domain: labels, relation types, test categories (resources/graph/schema.yaml)."""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError, raise_problems

SECTIONS = ("labels", "relations", "categories", "volume_category")


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
        """Label -> its level in the table of contents: 0 volume, 1 chapter, 2 section, 3 and more below; other labels
        are absent.
        """
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
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if len(known) <= 15 else ""


def _relation(path: Path, type_: str, entry: object, labels: dict, problems: list[str]) -> RelationType | None:
    where = f"{path}: relations.{type_}"
    if not isinstance(entry, dict):
        problems.append(
            f"{where}: expected name, from and to, for example {{name: 章の構成, from: [Standard], to: [Chapter]}}"
        )
        return None
    for key in entry.keys() - {"name", "from", "to", "structural"}:
        problems.append(f"{where}.{key}: unknown key{nearest(str(key), ['name', 'from', 'to', 'structural'])}")
    if not isinstance(entry.get("name"), str) or not entry["name"].strip():
        problems.append(f"{where}.name: expected the name that figures show")
    if not isinstance(entry.get("structural", False), bool):
        problems.append(f"{where}.structural: expected true or false")
    for key in ("from", "to"):
        if not isinstance(entry.get(key), list) or not entry[key]:
            problems.append(f"{where}.{key}: expected a list of labels")
        else:
            unknown = [label for label in entry[key] if not isinstance(label, str) or label not in labels]
            problems.extend(f"{where}.{key}: unknown label {label}{nearest(str(label), labels)}" for label in unknown)
    if problems:
        return None
    return RelationType(type_, entry["name"], tuple(entry["from"]), tuple(entry["to"]), entry.get("structural", False))


def read_schema(path: Path | str) -> Schema:
    """Read and check schema.yaml.

    Raises:
        InputError: every problem found, each with its key.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected the keys {', '.join(SECTIONS)}")
    problems = [f"{path}: {key}: unknown key{nearest(str(key), SECTIONS)}" for key in content.keys() - set(SECTIONS)]
    problems += [
        f"{path}: {key}: missing; expected a mapping with at least one entry"
        for key in SECTIONS
        if not isinstance(content.get(key), dict) or not content[key]
    ]
    raise_problems(problems)
    labels, categories, volume_category = content["labels"], content["categories"], content["volume_category"]
    problems += [
        f"{path}: labels.{label}: expected a display name"
        for label, name in labels.items()
        if not isinstance(name, str) or not name
    ]
    relations = {
        type_: _relation(Path(path), type_, entry, labels, problems) for type_, entry in content["relations"].items()
    }
    for name, count in categories.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            problems.append(
                f"{path}: categories.{name}: expected how many questions it has (a whole number), found {count!r}"
            )
    for volume, category in volume_category.items():
        if not isinstance(category, str) or category not in categories:
            problems.append(
                f"{path}: volume_category.{volume}: unknown category {category}{nearest(str(category), categories)}"
            )
    raise_problems(problems)
    schema = Schema(labels, relations, categories, volume_category)
    try:
        _ = schema.levels
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return schema
