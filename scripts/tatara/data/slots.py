"""What the slots of a template are filled with: names, descriptions, reasons, neighbours around one relation."""

import re
from functools import cached_property

from tatara.data.facts import Fact
from tatara.data.graph import Graph, Node, Relation
from tatara.data.schema import Schema, nearest

PLAIN = ("reason", "relation", "citation", "volume", "chapter", "section", "near")
NODE_FIELDS = ("name", "number", "title", "label", "description", "place")
FACT_FIELDS = ("text", "topic", "terms", "citation")
OF_EVIDENCE = ("reason", "citation", "volume", "chapter", "section")  # that tell why and where a relation holds
SENTENCES = ("description", "reason", "text")  # fields that hold whole sentences
PATH_FIELDS = (*NODE_FIELDS, "reason", "citation", "names", "all", "count")
_PATH = re.compile(r"(start|end)([<>])(\w+?)(?:#([1-9]))?$")
_LIST_MARK = "、"


def slot_problem(slot: str, schema: Schema) -> str | None:
    """Return what is wrong with a slot's name, or None."""
    group, _, name = slot.rpartition(".")
    if not group:
        return None if slot in PLAIN else f"unknown slot {{{slot}}}{nearest(slot, PLAIN)}"
    fields = PATH_FIELDS
    if group == "fact":
        fields = FACT_FIELDS
    elif group in ("start", "end", "previous", "next"):
        fields = NODE_FIELDS
    elif not (path := _PATH.match(group)):
        expected = "expected start, end, previous, next, fact or a path such as end<same or start>TYPE before the point"
        return f"unknown slot {{{slot}}}; {expected}"
    elif path[3] != "same" and path[3] not in schema.relations:
        return f"unknown relation type {path[3]} in slot {{{slot}}}{nearest(path[3], schema.relations)}"
    return None if name in fields else f"unknown slot {{{slot}}}; after the point expected one of {', '.join(fields)}"


def _natural(text: str) -> tuple:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", text))


class View:
    """A relation and what lies around it; gives the value of any slot, "" where the graph has nothing for it.

    Args:
        fact, sentence: the fact that is asked for, and the sentence that states it in the answer.
    """

    def __init__(self, graph: Graph, relation: Relation, fact: Fact | None = None, sentence: str = ""):
        self.graph, self.relation = graph, relation
        self.fact, self.sentence = fact, sentence
        self.start, self.end = graph.nodes[relation.start], graph.nodes[relation.end]
        self.evidence = graph.evidence(relation)
        self._paths: dict[tuple[str, str, str], list[tuple[Relation, Node]]] = {}

    def _order(self, node: Node) -> tuple:
        """Return what sorts places as the table of contents has them, and other nodes by name."""
        place = self.graph.toc.order.get(self.graph.citation(node.id), -1)
        return place, _natural(node.number), _natural(node.name), node.id

    @cached_property
    def _siblings(self) -> list[Node]:
        ends = (self.graph.nodes[relation.end] for relation in self.graph.outgoing(self.start.id, self.relation.type))
        return sorted(ends, key=self._order)

    def _path(self, origin: str, arrow: str, type_: str) -> list[tuple[Relation, Node]]:
        """Return the relations of one type at one end with the node that each leads to, without the relation itself."""
        key = (origin, arrow, type_)
        if key not in self._paths:
            node_id = getattr(self.relation, origin)
            wanted = self.relation.type if type_ == "same" else type_
            neighbours = self.graph.outgoing if arrow == ">" else self.graph.incoming
            pairs = [
                (other, self.graph.nodes[other.end if arrow == ">" else other.start])
                for other in neighbours(node_id, wanted)
                if other is not self.relation
            ]
            self._paths[key] = sorted(pairs, key=lambda pair: self._order(pair[1]))
        return self._paths[key]

    def _field(self, node: Node, name: str) -> str:
        if name == "label":
            return self.graph.schema.labels[node.label]
        if name == "place":
            return self.graph.citation(node.id).text
        return getattr(node, name)

    def _path_value(self, group: str, name: str, turn: int) -> str:
        origin, arrow, type_, number = _PATH.match(group).groups()
        neighbours = self._path(origin, arrow, type_)
        if name == "names":
            return _LIST_MARK.join(node.name for _, node in neighbours)
        if name in ("all", "count"):
            own = [self.end if arrow == ">" else self.start] if type_ in ("same", self.relation.type) else []
            names = [node.name for node in sorted([*own, *(node for _, node in neighbours)], key=self._order)]
            return str(len(names)) if name == "count" else _LIST_MARK.join(names)
        which = int(number or 1) - 1
        if which >= len(neighbours):
            return ""
        relation, node = neighbours[(turn + which) % len(neighbours)]
        if name == "citation":
            return self.graph.evidence(relation).text
        return relation.reason if name == "reason" else self._field(node, name)

    def _fact_value(self, name: str) -> str:
        if self.fact is None:
            return ""
        if name == "terms":
            return _LIST_MARK.join(self.fact.terms)
        if name == "citation":
            return self.fact.place.text
        return self.sentence if name == "text" else self.fact.topic

    def _near(self) -> str:
        """Return up to four titles that stand around the end."""
        here = self._siblings.index(self.end)
        first = max(0, min(here - 2, len(self._siblings) - 5))
        return _LIST_MARK.join(
            f"「{node.title}」" for node in self._siblings[first : first + 5] if node is not self.end
        )

    def unproven(self, slot: str) -> bool:
        """Return whether a slot may be empty since a relation that it tells of has no reason or evidence."""
        group, _, name = slot.rpartition(".")
        if name not in OF_EVIDENCE:
            return False
        path = _PATH.match(group)
        relations = [other for other, _ in self._path(*path.groups()[:3])] if path else [] if group else [self.relation]
        return not all(map(self.graph.proven, relations))

    def value(self, slot: str, turn: int = 0) -> str:
        """Return what fills a slot.

        Args:
            slot: a name that `slot_problem` accepts.
            turn: which of several neighbours a path leads to; they take turns.
        """
        group, _, name = slot.rpartition(".")
        if not group:
            if slot == "reason":
                return self.relation.reason
            if slot == "relation":
                return self.graph.schema.relations[self.relation.type].name
            if slot == "near":
                return self._near()
            return self.evidence.text if slot == "citation" else getattr(self.evidence, slot)
        if group == "fact":
            return self._fact_value(name)
        if group in ("start", "end"):
            return self._field(getattr(self, group), name)
        if group in ("previous", "next"):
            index = self._siblings.index(self.end) + (1 if group == "next" else -1)
            return self._field(self._siblings[index], name) if 0 <= index < len(self._siblings) else ""
        return self._path_value(group, name, turn)
