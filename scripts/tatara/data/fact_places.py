"""Which facts lie around a relation, and how near: what an answer about the relation may hold."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy

from tatara.data.graph import Graph, Node, Relation

DEEPEST = 3  # levels of the table of contents that make a difference
FEW, FARTHEST = 12, 3  # around a place with fewer facts, those of its volume count as so far away
SHORTEST_NAME = 2  # characters of a name whose mention counts


@dataclass(frozen=True)
class Around:
    """The facts around one relation.

    Attributes:
        facts: positions in `Graph.facts`, shape (n,).
        steps: how far each is, shape (n,): 0 of this place or node, 1 beside it, 2 and 3 further away.
    """

    facts: numpy.ndarray
    steps: numpy.ndarray


class FactPlaces:
    """Finds facts by node, by place and by the names that they mention."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.by_node: dict[str, set[int]] = defaultdict(set)
        self.by_chapter: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.by_volume: dict[str, set[int]] = defaultdict(set)
        for position, fact in enumerate(graph.facts):
            self.by_node[fact.node].add(position)
            self.by_chapter[fact.place.volume, fact.place.chapter].add(position)
            self.by_volume[fact.place.volume].add(position)
        self._found: dict[tuple[str, str, str], Around] = {}

    @cached_property
    def _mentions(self) -> dict[str, set[int]]:
        """Id of a node outside the table of contents -> the facts that are about it or name it."""
        named = {node.id: node for node in self.graph.nodes.values() if node.label not in self.graph.schema.levels}
        mentions = {id_: set(self.by_node[id_]) for id_ in named}
        for position, fact in enumerate(self.graph.facts):
            for node in named.values():
                if len(node.name) >= SHORTEST_NAME and node.name in fact.wordings[0]:
                    mentions[node.id].add(position)
        return mentions

    def around(self, relation: Relation) -> Around:
        """Return the facts around a relation, in the order of the table of contents."""
        key = (relation.start, relation.type, relation.end)
        if key not in self._found:
            structural = self.graph.schema.relations[relation.type].structural
            steps = self._of_place(self.graph.nodes[relation.end]) if structural else self._of_relation(relation)
            order = sorted(steps)
            self._found[key] = Around(numpy.array(order, int), numpy.array([steps[fact] for fact in order], int))
        return self._found[key]

    def _of_place(self, node: Node) -> dict[int, int]:
        """Return position -> steps around a structural node: its own facts, those of its section and its chapter."""
        here, level = self.graph.citation(node.id), self.graph.schema.levels[node.label]
        steps = {}
        for position in self.by_chapter[here.volume, here.chapter] if here.chapter else ():
            in_section = here.section and self.graph.facts[position].place.section == here.section
            deepest = min(level, DEEPEST)  # 1 a chapter, 2 a section, 3 an item
            steps[position] = max(0, deepest - 2) if in_section else deepest - 1
        for position in self.by_node[node.id]:
            steps[position] = 0 if self.graph.facts[position].place.chapter == here.chapter else 1
        if len(steps) < FEW:
            steps = dict.fromkeys(self.by_volume[here.volume], FARTHEST) | steps
        return steps

    def _of_relation(self, relation: Relation) -> dict[int, int]:
        """Return position -> steps around a relation with evidence: what is about its ends, and what is beside that."""
        about = self.by_node[relation.start] | self.by_node[relation.end]
        named = self._mentions.get(relation.start, set()) | self._mentions.get(relation.end, set())
        steps = dict.fromkeys(named, 2) | dict.fromkeys(about, 1)
        for position in self.by_chapter[relation.volume, relation.chapter]:
            in_section = relation.section and self.graph.facts[position].place.section == relation.section
            steps[position] = (0 if in_section else 1) + (0 if position in about or position in named else 1)
        return steps
