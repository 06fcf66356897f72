"""The graph in a Neo4j database: read as rows for `build_graph`, and loaded from a checked graph."""

import logging
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import neo4j
from neo4j.exceptions import IncompleteCommit
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from tatara.data.facts import LABEL, RELATION, fact_row
from tatara.data.graph import EVIDENCE, NODE_PROPERTIES, REQUIRED, Graph
from tatara.data.graph_build import build_graph
from tatara.data.graph_rows import property_values, value_text
from tatara.data.left_out import LeftOut
from tatara.data.neo4j_connection import PATIENCE, Connection, connect
from tatara.data.schema import Schema
from tatara.data.toc import read_toc
from tatara.job.errors import InputError
from tatara.job.progress import Progress

logger = logging.getLogger("tatara")
BATCH = 5000  # rows a transaction, which bounds what the server holds in memory for it

Rows = deque[tuple[str, dict[str, str]]]


def escaped(name: str) -> str:
    """Return a label or relation type as Cypher takes it, whatever it holds.

    Cypher reads `\\uXXXX` before all else, so that a backtick could come in by its code: a backslash is written by its
    own code.
    """
    return "`" + name.replace("\\", "\\u005C").replace("`", "``") + "`"


def _batches(items: Iterable, size: int) -> Iterator[list]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


# The driver tries again what failed in passing, but not where the connection broke at a commit: it cannot know that our
# queries may run twice.
@retry(retry=retry_if_exception_type(IncompleteCommit), stop=stop_after_attempt(3), wait=wait_fixed(1), reraise=True)
def _run(session: neo4j.Session, query: str, **values) -> list[list]:
    """Run one query that may run twice, in a transaction of its own; return its rows."""
    return session.execute_write(lambda transaction: [record.values() for record in transaction.run(query, **values)])


def _read(transaction: neo4j.ManagedTransaction) -> tuple[Rows, Rows]:
    """Read all in one transaction; the driver runs it again from the start where the connection breaks."""
    nodes, relations = deque(), deque()
    for element, labels, properties in transaction.run("MATCH (n) RETURN elementId(n), labels(n), properties(n)"):
        place = f"neo4j node {element}"
        row = {"id": "", "name": ""} | property_values(place, properties, ("id",)) | {"label": ";".join(sorted(labels))}
        nodes.append((place, row))
    query = (
        "MATCH (a)-[r]->(b) RETURN elementId(r), coalesce(a.id, elementId(a)), coalesce(b.id, elementId(b)), type(r), "
        "properties(r)"
    )
    for element, start, end, type_, properties in transaction.run(query):
        place = f"neo4j relation {element}"
        row = property_values(place, properties) | {"start": value_text(start), "end": value_text(end), "type": type_}
        relations.append((place, row))
    return nodes, relations


def read_rows(connection: Connection) -> tuple[Rows, Rows]:
    """Return the database's nodes and relations as `build_graph` takes them, each with its element id as its place.

    Raises:
        InputError: the database is empty.
    """
    with connection.session() as session:
        nodes, relations = session.execute_read(_read)
    if not nodes:
        raise InputError(
            f"the database {connection.database} at {connection.uri} is empty: load the graph's CSV files with "
            "`make load-graph`, or mend graph.neo4j"
        )
    return nodes, relations


def _node_work(graph: Graph) -> Iterator[tuple[str, str, list[dict]]]:
    """Yield `(what, query, rows)`: one query a label, so that each finds its nodes by an index."""
    groups = defaultdict(list)
    for node in graph.nodes.values():
        values = {"id": node.id, "name": node.name, **{key: getattr(node, key) for key in NODE_PROPERTIES}}
        groups[node.label].append({key: value for key, value in (values | node.properties).items() if value})
    for label, rows in groups.items():
        query = f"UNWIND $rows AS row MERGE (n:{escaped(label)} {{id: row.id}}) SET n = row RETURN count(*) AS done"
        yield f"{label} nodes", query, rows


def _relation_work(graph: Graph) -> Iterator[tuple[str, str, list[dict]]]:
    """Yield `(what, query, rows)`: one query a relation type and pair of labels."""
    groups = defaultdict(list)
    for relation in graph.relations:
        values = {key: getattr(relation, key) for key in EVIDENCE} | relation.properties
        values = {key: value for key, value in values.items() if value}
        labels = graph.nodes[relation.start].label, graph.nodes[relation.end].label
        groups[relation.type, *labels].append({"start": relation.start, "end": relation.end, "values": values})
    for (type_, start, end), rows in groups.items():
        query = (
            f"UNWIND $rows AS row MATCH (a:{escaped(start)} {{id: row.start}}) "
            f"MATCH (b:{escaped(end)} {{id: row.end}}) "
            f"MERGE (a)-[r:{escaped(type_)}]->(b) SET r = row.values RETURN count(*) AS done"
        )
        yield f"{type_} relations", query, rows


def _fact_work(graph: Graph) -> Iterator[tuple[str, str, list[dict]]]:
    """Yield `(what, query, rows)`: facts as nodes, and the relation that leads to each from the node it is about."""
    values = {
        fact.id: {key: value for key, value in fact_row(fact).items() if value and key != "node"}
        for fact in graph.facts
    }
    rows = [{"id": id_, **row} for id_, row in values.items()]
    query = f"UNWIND $rows AS row MERGE (n:{LABEL} {{id: row.id}}) SET n = row RETURN count(*) AS done"
    yield "facts", query, rows
    groups = defaultdict(list)
    for fact in graph.facts:
        groups[graph.nodes[fact.node].label].append({"start": fact.node, "end": fact.id})
    for label, rows in groups.items():
        query = (
            f"UNWIND $rows AS row MATCH (a:{escaped(label)} {{id: row.start}}) MATCH (b:{LABEL} {{id: row.end}}) "
            f"MERGE (a)-[r:{RELATION}]->(b) RETURN count(*) AS done"
        )
        yield f"{RELATION} relations", query, rows


def _load_rows(session: neo4j.Session, database: str, what: str, query: str, rows: list[dict]) -> None:
    batches = list(_batches(rows, BATCH))
    for batch in Progress(batches, f"load {what}") if len(batches) > 1 else batches:
        ((done,),) = _run(session, query, rows=batch)
        if done != len(batch):
            lost = len(batch) - done
            raise InputError(
                f"{lost} {what} were not loaded: their nodes vanished from {database} meanwhile; load again"
            )


def load(connection: Connection, graph: Graph) -> dict[str, int]:
    """Put a checked graph into the database: what is there is brought to the graph's values, what is missing is made.

    Nothing is deleted. Loading twice changes nothing, and a killed load is simply run again.

    Returns:
        How many nodes and relations were loaded, and how many others the database holds beside them.
    """
    with connection.session() as session:
        for label in map(escaped, [*graph.schema.labels, *([LABEL] if graph.facts else [])]):
            _run(session, f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE")
            _run(session, f"CREATE INDEX IF NOT EXISTS FOR (n:{label}) ON (n.name)")
        _run(session, "CALL db.awaitIndexes(300)")
        for work in (_node_work(graph), _relation_work(graph), _fact_work(graph)):
            for what, query, rows in work:
                _load_rows(session, connection.database, what, query, rows)
        query = "MATCH (n) WITH count(n) AS nodes OPTIONAL MATCH ()-[r]->() RETURN nodes, count(r)"
        ((nodes, relations),) = _run(session, query)
    facts = len(graph.facts)
    counts = {"nodes": len(graph.nodes), "relations": len(graph.relations), "facts": facts}
    others = {
        "other_nodes": nodes - facts - counts["nodes"],
        "other_relations": relations - facts - counts["relations"],
    }
    if any(others.values()):
        logger.warning(
            "the database %s holds %d nodes and %d relations that are not in the CSV files; nothing was deleted. "
            "An export takes all that it holds: delete what is old, or load into an empty database",
            connection.database,
            *others.values(),
        )
    return counts | others


def _drained(rows: Rows) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the rows, each gone once it is taken, so that a large graph is not held twice."""
    while rows:
        yield rows.popleft()


def read_graph(
    *,
    uri: str,
    user: str,
    database: str,
    schema: Schema,
    toc_file: Path,
    patience: float = PATIENCE,
    left_out: LeftOut | None = None,
    evidence: str = REQUIRED,
) -> Graph:
    """Read and check the graph of a database; raises as `connect`, `read_rows` and `build_graph`."""
    toc = read_toc(toc_file)
    with connect(uri, user, database, patience) as connection:
        rows = read_rows(connection)
    return build_graph(*map(_drained, rows), schema, toc, left_out, evidence=evidence)
