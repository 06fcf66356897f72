"""The probe: is the graph in the model? Items of four options, made from relations and facts of any domain.

A model takes the option that it finds most likely after the question. Options are balanced (`balanced.py`), so that a
model that knows frequencies alone takes the right one in one item of four.
"""

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tatara.data.balanced import OPTIONS, balanced_options
from tatara.data.graph import Graph
from tatara.data.held_out import held_out
from tatara.data.strata import apportion
from tatara.files.json_schema import schema_errors
from tatara.files.normalise import squeeze
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
from tatara.job.errors import raise_problems

ANY = "any"
KINDS = ("forward", "backward", "chained", "number", "term")
SHORTEST_TERM = 2
FEWEST = 12  # drafts of a group, where there is room for few; of these, most can be balanced
_NUMBER = re.compile(
    r"(?<![\d.,第/／])(\d+(?:[.,]\d+)?)(mm|cm|km|m3/s|m2|m3|m|%|％|年|か月|ヶ月|日|時間|回|倍|割|度|℃|種類|人)"
)
_TEXT = {"type": "string", "pattern": r"\S"}
_DIRECTIONS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["forward", "backward"],
    "properties": {"forward": _TEXT, "backward": _TEXT},
}
_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["relations", "chained", "fact", "gap", "without"],
    "properties": {
        "relations": {"type": "object", "required": [ANY], "additionalProperties": _DIRECTIONS},
        "chained": _TEXT,
        "fact": _TEXT,
        "gap": _TEXT,
        "without": _TEXT,
    },
}


@dataclass(frozen=True)
class Draft:
    """An item without its wrong options.

    Attributes:
        kind: one of KINDS; type: relation type, or kind of the fact.
        right: the right option.
        also: texts that would be right as well, or that the question holds.
        group: items of one group take their wrong options from each other.
        node: cluster of the item in intervals.
        taught: whether relation or fact may stand in a training pair.
    """

    kind: str
    type: str
    question: str
    right: str
    also: frozenset[str]
    group: str
    node: str
    taught: bool


def read_questions(path: Path | str) -> dict:
    """Return how the probe asks, from resources/probe/questions.yaml.

    Raises:
        InputError: an unknown or missing key (file, line).
    """
    content, lines = read_yaml_lines(path)
    problems = schema_errors(content, _FILE)
    raise_problems(f"{path}:{nearest_line(lines, key)}: {message}" for key, message in problems)
    return content


class _Names:
    """What a question about names can mean: two nodes of one name are one to whoever is asked."""

    def __init__(self, graph: Graph):
        self.ends: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.starts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for relation in graph.relations:
            start, end = graph.nodes[relation.start].name, graph.nodes[relation.end].name
            self.ends[start, relation.type].add(end)
            self.starts[end, relation.type].add(start)

    def chained(self, start: str, first: str, second: str) -> set[str]:
        """Return the names that two relations one after the other lead to."""
        return {end for middle in self.ends[start, first] for end in self.ends[middle, second]}


def _relation_drafts(graph: Graph, questions: dict, share: float, seed: int) -> Iterator[Draft]:
    names = _Names(graph)
    for relation in graph.relations:
        start, end = graph.nodes[relation.start], graph.nodes[relation.end]
        asked = questions["relations"].get(relation.type, questions["relations"][ANY])
        slots = {"start": start.name, "end": end.name, "relation": graph.schema.relations[relation.type].name}
        taught = not held_out(graph, relation, share, seed)
        ends, starts = names.ends[start.name, relation.type], names.starts[end.name, relation.type]
        for kind, right, also in (("forward", end, ends), ("backward", start, starts)):
            question = asked[kind].format(**slots)
            group = f"{kind} {relation.type} {right.label}"
            yield Draft(kind, relation.type, question, right.name, frozenset(also), group, relation.start, taught)


def _chained_drafts(graph: Graph, questions: dict, share: float, seed: int) -> Iterator[Draft]:
    names = _Names(graph)
    for first in graph.relations:
        for second in graph.outgoing(first.end):
            types = [graph.schema.relations[type_] for type_ in (first.type, second.type)]
            if any(type_.structural for type_ in types) or second.end == first.start:
                continue
            start, right = graph.nodes[first.start], graph.nodes[second.end]
            question = questions["chained"].format(start=start.name, first=types[0].name, second=types[1].name)
            also = frozenset(names.chained(start.name, first.type, second.type))
            taught = not any(held_out(graph, relation, share, seed) for relation in (first, second))
            group = f"chained {second.type} {right.label}"
            yield Draft("chained", second.type, question, right.name, also, group, start.id, taught)


def _fact_drafts(graph: Graph, questions: dict) -> Iterator[Draft]:
    """Yield for each fact a gap for its first number and one for its first term, in its last wording."""
    gap = questions["gap"]
    for fact in graph.facts:
        text = fact.wordings[-1]
        whole = " ".join((*fact.wordings, fact.topic))
        numbers = frozenset(squeeze("".join(match)) for match in _NUMBER.findall(whole))
        if match := _NUMBER.search(text):
            question = questions["fact"].format(text=text[: match.start()] + gap + text[match.end() :])
            yield Draft(
                "number",
                fact.kind,
                question,
                squeeze(match[0]),
                numbers,
                f"number {squeeze(match[2])}",
                fact.node,
                True,
            )
        term = next((term for term in fact.terms if len(term) >= SHORTEST_TERM and text.count(term) == 1), None)
        if term and not re.search(r"\d", term):
            question = questions["fact"].format(text=text.replace(term, gap))
            yield Draft(
                "term", fact.kind, question, term, frozenset([whole]), f"term {fact.place.volume}", fact.node, True
            )


def _from_groups(drafts: list[Draft], room: int, generator: random.Random) -> list[Draft]:
    """Return `room` drafts of one kind, of each group as many as its size asks for.

    Where there is room for few, they come from the largest groups alone, since a handful cannot be balanced.
    """
    groups = defaultdict(list)
    for draft in drafts:
        groups[draft.group].append(draft)
    largest = sorted(groups, key=lambda group: (-len(groups[group]), group))[: max(1, room // FEWEST)]
    sizes = {group: len(groups[group]) for group in largest}
    quotas = apportion(sizes, min(room, sum(sizes.values())))
    return [draft for group in largest for draft in generator.sample(groups[group], quotas[group])]


def _thinned(drafts: list[Draft], most: int, generator: random.Random) -> list[Draft]:
    """Return at most `most` drafts: all of the rarer kinds first, of the others as many as there is room for."""
    by_kind = defaultdict(list)
    for draft in drafts:
        by_kind[draft.kind].append(draft)
    kept: list[Draft] = []
    for left, kind in enumerate(sorted(by_kind, key=lambda kind: len(by_kind[kind]))):
        room = (most - len(kept)) // (len(by_kind) - left)
        own = by_kind[kind]
        kept += own if len(own) <= room else _from_groups(own, room, generator)
    return kept


def make_items(graph: Graph, questions: dict, *, most: int, share: float, seed: int) -> list[dict]:
    """Return the items of the probe, rows as docs/files.md has them.

    Args:
        questions: how it asks (`read_questions`).
        most: number of items, at most; those that cannot be balanced are left out.
        share: of the relations that no training pair is made of.
    """
    drafts = [*_relation_drafts(graph, questions, share, seed), *_chained_drafts(graph, questions, share, seed)]
    drafts += _fact_drafts(graph, questions)
    unique = list({(draft.question, draft.right): draft for draft in drafts}.values())
    groups = defaultdict(list)
    for draft in _thinned(unique, most, random.Random(f"{seed} probe")):
        groups[draft.group].append(draft)
    items = []
    for name, own in sorted(groups.items()):
        generator = random.Random(f"{seed} {name}")

        def known(item: int, text: str, own: list[Draft] = own) -> bool:
            also = own[item].also
            return text in also or any(text in other for other in also) or text in own[item].question

        for item, wrong in balanced_options([draft.right for draft in own], known, f"{seed} {name}").items():
            draft = own[item]
            options = generator.sample([draft.right, *wrong], OPTIONS)
            digest = hashlib.sha256(f"{draft.question}\n{draft.right}".encode()).hexdigest()[:12]
            items.append(
                {
                    "id": f"p-{digest}",
                    "kind": draft.kind,
                    "type": draft.type,
                    "taught": draft.taught,
                    "node": draft.node,
                    "question": draft.question,
                    "without": questions["without"],
                    "options": options,
                    "answer": options.index(draft.right),
                }
            )
    return sorted(items, key=lambda item: (KINDS.index(item["kind"]), item["type"], item["id"]))
