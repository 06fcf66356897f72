"""A graph from the rows of any source, checked against the schema and the table of contents."""

from collections import Counter
from collections.abc import Iterable

from tatara.data.fact_nodes import FactNodes
from tatara.data.facts import Fact, build_facts
from tatara.data.graph import EVIDENCE, NODE_PROPERTIES, OPTIONAL, REQUIRED, Graph, Node, Relation
from tatara.data.graph_header import NODE_COLUMNS, RELATION_COLUMNS
from tatara.data.left_out import LONE_NODES, NUMBERED_NAMES, OTHER_LABELS, SHARED_NAMES, UNPROVEN, LeftOut
from tatara.data.numbering import split_number
from tatara.data.schema import Schema, nearest
from tatara.data.toc import Citation, Toc
from tatara.files.control_tokens import token_problem
from tatara.files.normalise import normalise
from tatara.job.errors import Problem, raise_problems


def dangling(where: str, reason: str) -> Problem:
    return Problem("relations that lead to no node", f"{where}: dangling relation: {reason}")


def _token_problems(where: str, row: dict[str, str], keys: tuple[str, ...]) -> list[Problem]:
    return list(filter(None, (token_problem(f"{where}: {key}", row.get(key, "")) for key in keys)))


def _label_problem(
    where: str, row: dict[str, str], labels: list[str], known: list[str], schema: Schema
) -> Problem | None:
    if not labels:
        return Problem("nodes without a label", f"{where}: node {row['id']} has no label")
    if not known:
        return Problem("unknown labels", f"{where}: unknown label {labels[0]}{nearest(labels[0], schema.labels)}")
    if len(known) > 1:
        message = f"{where}: node {row['id']} has the labels {' and '.join(known)}; expected one label of the schema"
        return Problem("nodes with several labels of the schema", message)
    return None


def _node(
    where: str, row: dict[str, str], schema: Schema, toc: Toc, problems: list[str], left_out: LeftOut
) -> Node | None:
    labels = [label.strip() for label in row["label"].split(";") if label.strip()]
    known = [label for label in labels if label in schema.labels]
    if not row["id"]:
        problems.append(Problem("nodes without an id", f"{where}: the id is empty"))
    if not row["name"]:
        problems.append(Problem("nodes without a name", f"{where}: node {row['id']} has an empty name"))
    if not row.get("description"):
        message = f"{where}: node {row['id']} has no description; answers are composed from it"
        problems.append(Problem("nodes without a description", message))
    problems += _token_problems(where, row, ("name", *NODE_PROPERTIES))
    if problem := _label_problem(where, row, labels, known, schema):
        problems.append(problem)
    if not row["id"] or len(known) != 1:
        return None
    for label in labels:
        if label not in known:
            left_out.add(OTHER_LABELS, f"{label} ({row['id']})")
    others = {key: value for key, value in row.items() if value and key not in (*NODE_COLUMNS, *NODE_PROPERTIES)}
    number, name = row.get("number", ""), row["name"]
    if schema.levels.get(known[0], 0):
        number, name = split_number(number, name, toc)
    if name != row["name"]:
        left_out.add(NUMBERED_NAMES, f"{row['name']} → {number}, {name}")
    return Node(row["id"], known[0], name, number, row.get("description", ""), others, where)


def _evidence_problem(where: str, row: dict[str, str], relation: str, toc: Toc, evidence: str) -> Problem | None:
    empty = [key for key in EVIDENCE[:3] if not row.get(key)]
    if empty and evidence == REQUIRED:
        message = (
            f"{where}: {relation} has no {', '.join(empty)}; only structural relations go without, unless config key "
            "graph.evidence is optional"
        )
        return Problem("relations without a reason or evidence", message)
    place = Citation(*(row.get(key, "") for key in EVIDENCE[1:]))
    if place.text and (problem := toc.problem(place)):
        return Problem("citations that are not in the table of contents", f"{where}: {problem}")
    return None


def _relation(
    where: str,
    row: dict[str, str],
    nodes: dict[str, Node],
    schema: Schema,
    toc: Toc,
    evidence: str,
    problems: list[str],
) -> Relation | None:
    kind = schema.relations.get(row["type"])
    if kind is None:
        message = f"{where}: unknown relation type {row['type']}{nearest(row['type'], schema.relations)}"
        problems.append(Problem("unknown relation types", message))
    lost = [row[end] for end in ("start", "end") if row[end] not in nodes]
    problems += [dangling(where, f"there is no node {end!r}{nearest(end, nodes)}") for end in lost]
    if kind is None or lost:
        return None
    start, end = nodes[row["start"]], nodes[row["end"]]
    if start.label not in kind.start_labels or end.label not in kind.end_labels:
        turned = start.label in kind.end_labels and end.label in kind.start_labels
        expected = f"{' or '.join(kind.start_labels)} -> {' or '.join(kind.end_labels)}"
        remedy = "; the direction is wrong, exchange :START_ID and :END_ID" if turned else ""
        message = (
            f"{where}: {start.label} -{kind.type}-> {end.label} ({start.id} to {end.id}): expected {expected}{remedy}"
        )
        problems.append(Problem("relations between labels that the schema does not join", message))
        return None
    if not kind.structural:
        problem = _evidence_problem(where, row, f"{kind.type} from {start.id} to {end.id}", toc, evidence)
        problems += [problem] if problem else []
    problems += _token_problems(where, row, EVIDENCE[:1])
    values = [row.get(key, "") for key in EVIDENCE]
    others = {key: value for key, value in row.items() if value and key not in (*RELATION_COLUMNS, *EVIDENCE)}
    return Relation(start.id, end.id, kind.type, *values, others, where)


def _nodes(
    rows: Iterable[tuple[str, dict]], schema: Schema, toc: Toc, problems: list[str], left_out: LeftOut
) -> dict[str, Node]:
    """Return id -> node; one with a problem has no label, so that its relations are not reported as well."""
    by_id: dict[str, Node] = {}
    for where, row in rows:
        if row["id"] in by_id:
            message = f"{where}: duplicate id {row['id']}, first at {by_id[row['id']].source}"
            problems.append(Problem("duplicate ids", message))
        elif node := _node(where, row, schema, toc, problems, left_out):
            by_id[node.id] = node
        elif row["id"]:
            by_id[row["id"]] = Node(row["id"], "", row["name"], source=where)
    left_out.expect(OTHER_LABELS, len(by_id))
    left_out.expect(NUMBERED_NAMES, len(by_id))
    return by_id


def _relations(
    rows: Iterable[tuple[str, dict]],
    nodes: dict[str, Node],
    schema: Schema,
    toc: Toc,
    evidence: str,
    problems: list[str],
) -> list[Relation]:
    known: dict[tuple[str, str, str], Relation] = {}
    for where, row in rows:
        ends = [nodes.get(row[end]) for end in ("start", "end")]
        if any(node is not None and not node.label for node in ends):
            continue  # its end was reported above
        if relation := _relation(where, row, nodes, schema, toc, evidence, problems):
            key = (relation.start, relation.type, relation.end)
            if key in known:
                name = f"{relation.start} -{relation.type}-> {relation.end}"
                message = f"{where}: duplicate relation {name}, first at {known[key].source}"
                problems.append(Problem("duplicate relations", message))
            known.setdefault(key, relation)
    return [known[key] for key in sorted(known)]


def _place_problem(graph: Graph, node: Node, level: int) -> Problem | None:
    above = [relation for relation in graph.incoming(node.id) if graph.schema.relations[relation.type].structural]
    if len(above) > 1:
        parents = f"{above[0].start} and {above[1].start}"
        message = f"{above[1].source}: {node.id} has two parents, {parents}; a table of contents is a tree"
        return Problem("nodes with two parents", message)
    if level > 0 and not above:
        message = f"{node.source}: {node.label} {node.id} hangs nowhere; add the structural relation that leads to it"
        return Problem("structural nodes that hang nowhere", message)
    if level < 3 and (problem := graph.toc.problem(graph.citation(node.id))):
        return Problem("places that are not in the table of contents", f"{node.source}: {problem}")
    return None


def _place_problems(graph: Graph) -> list[Problem]:
    """Every structural node hangs in one tree and stands in the table of contents as far as that reaches."""
    structural = [node for node in graph.nodes.values() if node.label in graph.schema.levels]
    problems = (_place_problem(graph, node, graph.schema.levels[node.label]) for node in structural)
    return list(filter(None, problems))


def _facts(rows: list[tuple[str, dict]], nodes: dict[str, Node], toc: Toc, problems: list[str]) -> list[Fact]:
    facts, wrong = build_facts(rows, nodes, toc)
    problems += wrong
    return facts


def _count_unproven(graph: Graph, left_out: LeftOut) -> None:
    """Count the relations without a reason or evidence."""
    left_out.expect(UNPROVEN, len(graph.relations))
    for relation in graph.relations:
        if not graph.proven(relation):
            left_out.add(UNPROVEN, f"{relation.start} -{relation.type}-> {relation.end} ({relation.source})")


def _count_left_out(graph: Graph, left_out: LeftOut) -> None:
    left_out.expect(LONE_NODES, len(graph.nodes))
    left_out.expect(SHARED_NAMES, len(graph.nodes))
    ends = {end for relation in graph.relations for end in (relation.start, relation.end)}
    names: Counter = Counter()
    for node in graph.nodes.values():
        if node.id not in ends:
            left_out.add(LONE_NODES, f"{node.name} ({node.id})")
        # A place is told from another of its name by its number and the place above it.
        key = (node.label, normalise(graph.citation(node.id).text + node.title))
        if names[key]:
            left_out.add(SHARED_NAMES, f"{node.name} ({node.id})")
        names[key] += 1


def build_graph(
    nodes: Iterable[tuple[str, dict]],
    relations: Iterable[tuple[str, dict]],
    schema: Schema,
    toc: Toc,
    left_out: LeftOut | None = None,
    problems: Iterable[str] = (),
    facts: Iterable[tuple[str, dict]] = (),
    evidence: str = REQUIRED,
) -> Graph:
    """Check rows of any source and return them as a graph.

    Args:
        nodes: `(where, row)`; a row has `id`, `name`, `label` (several apart by `;`), and properties. A node with the
            label Fact is a fact of the node from which a relation HAS_FACT leads to it.
        relations: `(where, row)`; a row has `start`, `end`, `type`, and properties.
        facts: `(where, row)` as `build_facts` takes them.
        left_out: takes what is dropped or joined.
        problems: what was found wrong before, to be told with the rest.
        evidence: REQUIRED refuses a relation that is not structural and has no reason or evidence; OPTIONAL counts it.

    Raises:
        InputError: all problems, each with its `where`.
    """
    left_out = left_out or LeftOut()
    problems = list(problems)
    fact_nodes = FactNodes(schema)
    by_id = _nodes(fact_nodes.nodes(nodes), schema, toc, problems, left_out)
    checked = _relations(fact_nodes.relations(relations), by_id, schema, toc, evidence, problems)
    all_facts = _facts([*facts, *fact_nodes.rows.values()], by_id, toc, problems)
    graph = Graph({key: by_id[key] for key in sorted(by_id)}, checked, schema, toc, all_facts)
    if not problems:
        problems = _place_problems(graph)
    raise_problems(problems)
    _count_left_out(graph, left_out)
    if evidence == OPTIONAL:
        _count_unproven(graph, left_out)
    return graph
