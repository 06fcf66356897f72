"""Where the nodes of the graph stand in data figure 5, in inches from its left upper corner."""

from dataclasses import dataclass

import numpy

from tatara.data.graph import Graph, Node, Relation

ROW = 0.165  # between two lines of the table of contents
APART = 0.25  # between two nodes of a column, at least
CONTENTS, GAP, COLUMN = 5.3, 1.9, 2.1  # widths of the table of contents, of what lies between columns, of a column


@dataclass(frozen=True)
class Places:
    """Where each node stands.

    Attributes:
        contents: the nodes of the table of contents from top to bottom, each with its level.
        near, far: the nodes of the two columns beside it.
        height: of every node, from the top.
        left: of the nodes in columns: where the dot stands.
        width: of the whole figure.
    """

    contents: list[tuple[Node, int]]
    near: list[str]
    far: list[str]
    height: dict[str, float]
    left: dict[str, float]
    width: float

    def end(self, identity: str) -> float:
        """Return where the relations of a node begin, behind its text."""
        return self.left[identity] + COLUMN if identity in self.left else CONTENTS


def domain_relations(graph: Graph) -> list[Relation]:
    """Return the relations that are no part of the table of contents."""
    return [relation for relation in graph.relations if not graph.schema.relations[relation.type].structural]


def _contents(graph: Graph) -> list[tuple[Node, int]]:
    structural = [identity for identity, node in graph.nodes.items() if node.label in graph.schema.levels]

    def place(identity: str) -> list[tuple[int, str]]:
        way = graph.chain(identity)
        return [(graph.toc.order.get(graph.citation(node.id), len(graph.toc.order)), node.id) for node in way]

    return [(graph.nodes[identity], len(graph.chain(identity)) - 1) for identity in sorted(structural, key=place)]


def _keep_apart(wanted: dict[str, float], low: float, high: float) -> dict[str, float]:
    """Return heights near the wanted ones, in the same order, at least APART from each other.

    They lie between low and high as far as there is room.
    """
    ordered = sorted(wanted, key=lambda identity: (wanted[identity], identity))
    heights: dict[str, float] = {}
    top = low
    for identity in ordered:
        heights[identity] = top = max(wanted[identity], top)
        top += APART
    limit = max(high, low + APART * (len(ordered) - 1))
    for identity in reversed(ordered):
        heights[identity] = limit = min(heights[identity], limit)
        limit -= APART
    return heights


def places_of(graph: Graph, relations: list[Relation]) -> Places:
    """Return where each node stands; `relations` are those that are drawn."""
    contents = _contents(graph)
    heights = {node.id: ROW * index for index, (node, _) in enumerate(contents)}
    bottom = ROW * max(1, len(contents) - 1)
    linked: dict[str, list[str]] = {}
    for relation in relations:
        linked.setdefault(relation.start, []).append(relation.end)
        linked.setdefault(relation.end, []).append(relation.start)
    others = sorted(graph.nodes.keys() - heights.keys())
    near = [identity for identity in others if any(other in heights for other in linked.get(identity, []))]
    far = [identity for identity in others if identity not in near]
    for column in (near, far):
        wanted = {}
        for identity in column:
            known = [heights[other] for other in linked.get(identity, []) if other in heights]
            wanted[identity] = float(numpy.mean(known)) if known else bottom / 2
        heights |= _keep_apart(wanted, 0.0, bottom)
    left = dict.fromkeys(near, CONTENTS + GAP) | dict.fromkeys(far, CONTENTS + 2 * GAP + COLUMN)
    arcs = any(relation.start in far and relation.end in far for relation in relations)
    width = CONTENTS + GAP + COLUMN + GAP + (COLUMN if far else 0) + (1.0 if arcs else 0)
    return Places(contents, near, far, heights, left, width)
