"""The knowledge graph: nodes and relations, their places in the table of contents, and one canonical form in CSV."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tatara.data.facts import Fact, write_facts
from tatara.data.graph_header import NODE_COLUMNS, RELATION_COLUMNS
from tatara.data.schema import Schema
from tatara.data.toc import Citation, Toc
from tatara.files.text import write_csv

NODE_PROPERTIES = ("number", "description")
EVIDENCE = ("reason", "volume", "chapter", "section")
REQUIRED, OPTIONAL = "required", "optional"  # whether relations need a reason and evidence (graph.evidence)


@dataclass(frozen=True)
class Node:
    """A node; `source` (file:line) is for messages and no part of its identity."""

    id: str
    label: str
    name: str
    number: str = ""
    description: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    source: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        """Number and name, as a place is cited: `第2節 堤防`."""
        return f"{self.number} {self.name}".strip()


@dataclass(frozen=True)
class Relation:
    """A relation; reason and evidence (volume, chapter, section) are empty for structural ones, and may be optional."""

    start: str
    end: str
    type: str
    reason: str = ""
    volume: str = ""
    chapter: str = ""
    section: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    source: str = field(default="", compare=False)


@dataclass(frozen=True)
class Graph:
    """A checked graph.

    Attributes:
        nodes: id -> node, sorted by id.
        relations: sorted by start, type, end.
        schema: the vocabulary that it was checked against.
        toc: the table of contents that it was checked against.
        facts: in the order of the table of contents; none where the domain has no facts.
    """

    nodes: dict[str, Node]
    relations: list[Relation]
    schema: Schema
    toc: Toc
    facts: list[Fact] = field(default_factory=list)

    @cached_property
    def _by_end(self) -> dict[tuple[str, str], list[Relation]]:
        ends = defaultdict(list)
        for relation in self.relations:
            ends["out", relation.start].append(relation)
            ends["in", relation.end].append(relation)
        return dict(ends)

    def outgoing(self, node_id: str, type_: str | None = None) -> list[Relation]:
        """Return the relations that start at a node, all or those of one type."""
        return [relation for relation in self._by_end.get(("out", node_id), []) if type_ in (None, relation.type)]

    def incoming(self, node_id: str, type_: str | None = None) -> list[Relation]:
        """Return the relations that end at a node, all or those of one type."""
        return [relation for relation in self._by_end.get(("in", node_id), []) if type_ in (None, relation.type)]

    def of_type(self, type_: str) -> list[Relation]:
        """Return the relations of a type."""
        return [relation for relation in self.relations if relation.type == type_]

    def parent(self, node_id: str) -> Node | None:
        """Return the node above in the table of contents, None for a volume and for what is no part of it."""
        above = [relation for relation in self.incoming(node_id) if self.schema.relations[relation.type].structural]
        return self.nodes[above[0].start] if above else None

    def chain(self, node_id: str) -> list[Node]:
        """Return the way through the table of contents from the volume down to the node."""
        chain = [self.nodes[node_id]]
        while above := self.parent(chain[0].id):
            chain.insert(0, above)
        return chain

    def citation(self, node_id: str) -> Citation:
        """Return where a structural node stands, as far as its level goes; another node stands nowhere."""
        titles = ["", "", ""]
        for node in self.chain(node_id):
            level = self.schema.levels.get(node.label, len(titles))
            if level < len(titles):
                titles[level] = node.title
        return Citation(*titles)

    def proven(self, relation: Relation) -> bool:
        """Return whether a relation has a reason and a place, or is structural and needs none."""
        known = relation.reason and relation.volume and relation.chapter
        return bool(known) or self.schema.relations[relation.type].structural

    def evidence(self, relation: Relation) -> Citation:
        """Return the place that a relation is read from: its evidence, or for a structural one where its end stands."""
        if self.schema.relations[relation.type].structural:
            return self.citation(relation.end)
        return Citation(relation.volume, relation.chapter, relation.section)


def _others(items: Iterable[Node | Relation]) -> list[str]:
    return sorted({key for item in items for key in item.properties})


def write_graph(graph: Graph, nodes_csv: Path, relations_csv: Path, facts_csv: Path) -> None:
    """Write the canonical form; loading it gives the same graph.

    Rows are sorted; the columns of docs/files.md come first, then others by name.
    """
    others = _others(graph.nodes.values())
    rows = [
        [n.id, n.name, n.label, n.number, n.description, *(n.properties.get(key, "") for key in others)]
        for n in graph.nodes.values()
    ]
    write_csv(nodes_csv, [*NODE_COLUMNS.values(), *NODE_PROPERTIES, *others], rows)
    others = _others(graph.relations)
    rows = [
        [r.start, r.end, r.type, *(getattr(r, key) for key in EVIDENCE), *(r.properties.get(key, "") for key in others)]
        for r in graph.relations
    ]
    write_csv(relations_csv, [*RELATION_COLUMNS.values(), *EVIDENCE, *others], rows)
    write_facts(graph.facts, facts_csv)
