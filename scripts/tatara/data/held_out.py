"""Relations held out of training, so that the probe shows what a relation gets that nobody taught."""

import dataclasses
import hashlib

from tatara.data.graph import Graph, Relation
from tatara.data.left_out import HELD_OUT, LeftOut


def held_out(graph: Graph, relation: Relation, share: float, seed: int) -> bool:
    """Return whether a relation is kept out of every training pair, so that the probe has relations that nobody taught.

    The choice depends on the relation and the seed alone. Structural relations stay: every citation tells them.
    """
    if graph.schema.relations[relation.type].structural:
        return False
    name = f"{seed} {relation.start} {relation.type} {relation.end}"
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < share * 16**8


def without_held_out(graph: Graph, share: float, seed: int, left_out: LeftOut | None = None) -> Graph:
    """Return the graph as training pairs may know it.

    Args:
        left_out: takes the relations that are held out.
    """
    left_out = left_out or LeftOut()
    left_out.expect(HELD_OUT, len(graph.relations))
    relations = []
    for relation in graph.relations:
        if held_out(graph, relation, share, seed):
            left_out.add(HELD_OUT, f"{relation.start} -{relation.type}-> {relation.end}")
        else:
            relations.append(relation)
    return dataclasses.replace(graph, relations=relations)
