"""The knowledge graph: read, checked against the schema and the table of contents, and written in one canonical form."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tatara.data.neo4j_csv import NODE_COLUMNS, RELATION_COLUMNS, read_rows
from tatara.data.schema import Schema, nearest
from tatara.data.toc import Citation, Toc, read_toc
from tatara.files.text import write_csv
from tatara.job.errors import raise_problems

NODE_PROPERTIES = ("number", "description")
EVIDENCE = ("reason", "volume", "chapter", "section")


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
    """A relation; the reason and the evidence (volume, chapter, section) are empty for structural ones."""

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
    """

    nodes: dict[str, Node]
    relations: list[Relation]
    schema: Schema
    toc: Toc

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
        """Return where a structural node stands: volume, chapter, section as far as its level goes; another node stands
        nowhere.
        """
        titles = ["", "", ""]
        for node in self.chain(node_id):
            level = self.schema.levels.get(node.label, len(titles))
            if level < len(titles):
                titles[level] = node.title
        return Citation(*titles)

    def evidence(self, relation: Relation) -> Citation:
        """Return the place that a relation is read from: its evidence, or for a structural one where its end stands."""
        if self.schema.relations[relation.type].structural:
            return self.citation(relation.end)
        return Citation(relation.volume, relation.chapter, relation.section)


def _node(where: str, row: dict[str, str], schema: Schema, problems: list[str]) -> Node | None:
    labels = [label.strip() for label in row["label"].split(";") if label.strip()]
    known = [label for label in labels if label in schema.labels]
    if not row["id"]:
        problems.append(f"{where}: the id is empty")
    if not row["name"]:
        problems.append(f"{where}: node {row['id']} has an empty name")
    if not row.get("description"):
        problems.append(f"{where}: node {row['id']} has no description; answers are composed from it")
    if not labels:
        problems.append(f"{where}: node {row['id']} has no label")
    elif not known:
        problems.append(f"{where}: unknown label {labels[0]}{nearest(labels[0], schema.labels)}")
    elif len(known) > 1:
        problems.append(
            f"{where}: node {row['id']} has the labels {' and '.join(known)}; expected one label of the schema"
        )
    if not row["id"] or len(known) != 1:
        return None
    others = {key: value for key, value in row.items() if value and key not in (*NODE_COLUMNS, *NODE_PROPERTIES)}
    return Node(row["id"], known[0], row["name"], row.get("number", ""), row.get("description", ""), others, where)


def _relation(
    where: str, row: dict[str, str], nodes: dict[str, Node], schema: Schema, toc: Toc, problems: list[str]
) -> Relation | None:
    kind = schema.relations.get(row["type"])
    if kind is None:
        problems.append(f"{where}: unknown relation type {row['type']}{nearest(row['type'], schema.relations)}")
    dangling = [row[end] for end in ("start", "end") if row[end] not in nodes]
    problems.extend(f"{where}: dangling relation: there is no node {end!r}{nearest(end, nodes)}" for end in dangling)
    if kind is None or dangling:
        return None
    start, end = nodes[row["start"]], nodes[row["end"]]
    if start.label not in kind.start_labels or end.label not in kind.end_labels:
        turned = start.label in kind.end_labels and end.label in kind.start_labels
        problems.append(
            f"{where}: {start.label} -{kind.type}-> {end.label} ({start.id} to {end.id}): expected {' or '.join(kind.start_labels)} "
            f"-> {' or '.join(kind.end_labels)}{'; the direction is wrong, exchange :START_ID and :END_ID' if turned else ''}"
        )
        return None
    if not kind.structural:
        empty = [key for key in EVIDENCE[:3] if not row.get(key)]
        if empty:
            problems.append(
                f"{where}: {kind.type} from {start.id} to {end.id} has no {', '.join(empty)}; only structural "
                "relations go without"
            )
        elif problem := toc.problem(Citation(*(row.get(key, "") for key in EVIDENCE[1:]))):
            problems.append(f"{where}: {problem}")
    evidence = [row.get(key, "") for key in EVIDENCE]
    others = {key: value for key, value in row.items() if value and key not in (*RELATION_COLUMNS, *EVIDENCE)}
    return Relation(start.id, end.id, kind.type, *evidence, others, where)


def _check_places(graph: Graph, problems: list[str]) -> None:
    """Every structural node hangs in one tree and stands in the table of contents as far as that reaches."""
    levels = graph.schema.levels
    for node in graph.nodes.values():
        level = levels.get(node.label)
        if level is None:
            continue
        above = [relation for relation in graph.incoming(node.id) if graph.schema.relations[relation.type].structural]
        if len(above) > 1:
            problems.append(
                f"{above[1].source}: {node.id} has two parents, {above[0].start} and {above[1].start}; a table of "
                "contents is a tree"
            )
        elif level > 0 and not above:
            problems.append(
                f"{node.source}: {node.label} {node.id} hangs nowhere; add the structural relation that leads to it"
            )
        elif level < 3 and (problem := graph.toc.problem(graph.citation(node.id))):
            problems.append(f"{node.source}: {problem}")


def build_graph(
    nodes: Iterable[tuple[str, dict]], relations: Iterable[tuple[str, dict]], schema: Schema, toc: Toc
) -> Graph:
    """Check rows of any source and return them as a graph.

    Args:
        nodes: `(where, row)`; a row has `id`, `name`, `label` (several apart by `;`), and properties.
        relations: `(where, row)`; a row has `start`, `end`, `type`, and properties.

    Raises:
        InputError: all problems found (the first 20 are shown), each with its `where`.
    """
    problems: list[str] = []
    by_id: dict[str, Node] = {}
    for where, row in nodes:
        if row["id"] in by_id:
            problems.append(f"{where}: duplicate id {row['id']}, first at {by_id[row['id']].source}")
        elif node := _node(where, row, schema, problems):
            by_id[node.id] = node
        elif row["id"]:
            by_id.setdefault(row["id"], Node(row["id"], "", row["name"], source=where))
    known: dict[tuple[str, str, str], Relation] = {}
    for where, row in relations:
        ends = [by_id.get(row[end]) for end in ("start", "end")]
        if any(node is not None and not node.label for node in ends):
            continue  # its end was reported above
        if relation := _relation(where, row, by_id, schema, toc, problems):
            key = (relation.start, relation.type, relation.end)
            if key in known:
                problems.append(
                    f"{where}: duplicate relation {relation.start} -{relation.type}-> {relation.end}, first at "
                    f"{known[key].source}"
                )
            known.setdefault(key, relation)
    graph = Graph({key: by_id[key] for key in sorted(by_id)}, [known[key] for key in sorted(known)], schema, toc)
    if not problems:
        _check_places(graph, problems)
    raise_problems(problems)
    return graph


def load_graph(node_files: list[Path], relation_files: list[Path], schema: Schema, toc_file: Path) -> Graph:
    """Read and check a graph from CSV files in the header format of Neo4j's bulk import.

    Args:
        node_files: files with `id:ID`, `name`, `:LABEL`; their other columns may differ.
        relation_files: files with `:START_ID`, `:END_ID`, `:TYPE`; their other columns may differ.
        toc_file: the table of contents (docs/files.md).

    Raises:
        InputError: every problem found, each with file and line.
    """
    toc = read_toc(toc_file)
    nodes = [row for path in node_files for row in read_rows(path, NODE_COLUMNS)]
    relations = [row for path in relation_files for row in read_rows(path, RELATION_COLUMNS)]
    return build_graph(nodes, relations, schema, toc)


def write_graph(graph: Graph, nodes_csv: Path, relations_csv: Path) -> None:
    """Write the canonical form: sorted, the contract's columns first, then others by name; loading it gives the same
    graph.
    """
    others = sorted({key for node in graph.nodes.values() for key in node.properties})
    rows = [
        [n.id, n.name, n.label, n.number, n.description, *(n.properties.get(key, "") for key in others)]
        for n in graph.nodes.values()
    ]
    write_csv(nodes_csv, [*NODE_COLUMNS.values(), *NODE_PROPERTIES, *others], rows)
    others = sorted({key for relation in graph.relations for key in relation.properties})
    rows = [
        [
            r.start,
            r.end,
            r.type,
            r.reason,
            r.volume,
            r.chapter,
            r.section,
            *(r.properties.get(key, "") for key in others),
        ]
        for r in graph.relations
    ]
    write_csv(relations_csv, [*RELATION_COLUMNS.values(), *EVIDENCE, *others], rows)
