"""The graph in a Neo4j database, over Bolt with the official driver: read as rows for `graph.build_graph`, and loaded
from a checked graph.
"""

import logging
import os
import ssl
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import neo4j
from neo4j.exceptions import AuthError, DriverError, IncompleteCommit, Neo4jError, ServiceUnavailable, SessionExpired
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from tatara.data.graph import EVIDENCE, NODE_PROPERTIES, Graph, build_graph
from tatara.data.neo4j_csv import property_key
from tatara.data.schema import Schema
from tatara.data.toc import read_toc
from tatara.job.errors import InputError
from tatara.job.progress import Progress

logger = logging.getLogger("tatara")
PASSWORD = "NEO4J_PASSWORD"  # the environment variable; the password stands nowhere else
BATCH = 5000  # rows a transaction, which bounds what the server holds in memory for it
CONNECT_SECONDS = 5.0
SHORT = 64  # characters; what is shorter, such as ids and places, stands in many rows and is kept once
PATIENCE = 15.0  # seconds that a server which stopped may take to come back

Rows = deque[tuple[str, dict[str, str]]]


def escaped(name: str) -> str:
    """Return a label or relation type as Cypher takes it, whatever it holds.

    Cypher reads `\\uXXXX` before all else, so that a backtick could come in by its code: a backslash is written by its
    own code.
    """
    return "`" + name.replace("\\", "\\u005C").replace("`", "``") + "`"


def _text(value: object) -> str:
    """Return a property's value as a CSV field holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(map(_text, value))
    text = value.iso_format() if hasattr(value, "iso_format") else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return sys.intern(text) if len(text) < SHORT else text


def _properties(given: dict, own: tuple[str, ...] = ()) -> dict[str, str]:
    return {
        sys.intern(key if key in own else property_key(key.replace(":", "_"))): _text(value)
        for key, value in given.items()
    }


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


@dataclass(frozen=True)
class Database:
    """A database of a server that answers.

    Attributes:
        uri, name: as in the config.
        driver: of the official package.
    """

    uri: str
    name: str
    driver: neo4j.Driver

    def session(self) -> neo4j.Session:
        return self.driver.session(database=self.name)

    def rows(self) -> tuple[Rows, Rows]:
        """Return the database's nodes and relations as `graph.build_graph` takes them, each with its element id as its
        place.

        Raises:
            InputError: the database is empty.
        """
        with self.session() as session:
            nodes, relations = session.execute_read(self._read)
        if not nodes:
            raise InputError(
                f"the database {self.name} at {self.uri} is empty: load the graph's CSV files with `make load-graph`, "
                "or mend graph.neo4j"
            )
        return nodes, relations

    @staticmethod
    def _read(transaction: neo4j.ManagedTransaction) -> tuple[Rows, Rows]:
        """Read all in one transaction; the driver runs it again from the start where the connection breaks."""
        nodes, relations = deque(), deque()
        for place, labels, properties in transaction.run("MATCH (n) RETURN elementId(n), labels(n), properties(n)"):
            row = {"id": "", "name": ""} | _properties(properties, ("id",)) | {"label": ";".join(sorted(labels))}
            nodes.append((f"neo4j node {place}", row))
        query = "MATCH (a)-[r]->(b) RETURN elementId(r), coalesce(a.id, elementId(a)), coalesce(b.id, elementId(b)), type(r), properties(r)"
        for place, start, end, type_, properties in transaction.run(query):
            row = _properties(properties) | {"start": _text(start), "end": _text(end), "type": type_}
            relations.append((f"neo4j relation {place}", row))
        return nodes, relations

    def load(self, graph: Graph) -> dict[str, int]:
        """Put a checked graph into the database: what is there is brought to the graph's values, what is missing is
        made.

        Nothing is deleted. Loading twice changes nothing, and a killed load is simply run again.

        Returns:
            How many nodes and relations were loaded, and how many others the database holds beside them.
        """
        with self.session() as session:
            for label in map(escaped, graph.schema.labels):
                _run(session, f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE")
                _run(session, f"CREATE INDEX IF NOT EXISTS FOR (n:{label}) ON (n.name)")
            _run(session, "CALL db.awaitIndexes(300)")
            for what, query, rows in self._work(graph):
                batches = list(_batches(rows, BATCH))
                for batch in Progress(batches, f"load {what}") if len(batches) > 1 else batches:
                    ((done,),) = _run(session, query, rows=batch)
                    if done != len(batch):
                        raise InputError(
                            f"{len(batch) - done} {what} were not loaded: their nodes vanished from {self.name} "
                            "meanwhile; load again"
                        )
            ((nodes, relations),) = _run(
                session, "MATCH (n) WITH count(n) AS nodes OPTIONAL MATCH ()-[r]->() RETURN nodes, count(r)"
            )
        counts = {"nodes": len(graph.nodes), "relations": len(graph.relations)}
        others = {"other_nodes": nodes - counts["nodes"], "other_relations": relations - counts["relations"]}
        if any(others.values()):
            logger.warning(
                "the database %s holds %d nodes and %d relations that are not in the CSV files; nothing was deleted. "
                "An export takes all that it holds: delete what is old, or load into an empty database",
                self.name,
                *others.values(),
            )
        return counts | others

    @staticmethod
    def _work(graph: Graph) -> Iterator[tuple[str, str, list[dict]]]:
        """Yield `(what, query, rows)`: one query a label, then one a relation type and pair of labels, so that each
        finds its nodes by an index.
        """
        groups = defaultdict(list)
        for node in graph.nodes.values():
            values = {
                "id": node.id,
                "name": node.name,
                **{key: getattr(node, key) for key in NODE_PROPERTIES},
                **node.properties,
            }
            groups[node.label].append({key: value for key, value in values.items() if value})
        for label, rows in groups.items():
            yield (
                f"{label} nodes",
                f"UNWIND $rows AS row MERGE (n:{escaped(label)} {{id: row.id}}) SET n = row RETURN count(*) AS done",
                rows,
            )
        groups = defaultdict(list)
        for relation in graph.relations:
            values = {key: getattr(relation, key) for key in EVIDENCE} | relation.properties
            row = {
                "start": relation.start,
                "end": relation.end,
                "values": {key: value for key, value in values.items() if value},
            }
            groups[relation.type, graph.nodes[relation.start].label, graph.nodes[relation.end].label].append(row)
        for (type_, start, end), rows in groups.items():
            yield (
                f"{type_} relations",
                f"UNWIND $rows AS row MATCH (a:{escaped(start)} {{id: row.start}}) "
                f"MATCH (b:{escaped(end)} {{id: row.end}}) "
                f"MERGE (a)-[r:{escaped(type_)}]->(b) SET r = row.values RETURN count(*) AS done",
                rows,
            )


def _untrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _explain(error: Exception, uri: str, user: str, database: str, patience: float, connected: bool) -> str:
    code = getattr(error, "code", None) or ""
    reason = " ".join(str(error).split())
    if code.endswith("AuthenticationRateLimit"):
        return f"Neo4j at {uri} refuses the user {user} for some seconds after several wrong passwords: mend {PASSWORD}, wait, and start again"
    if isinstance(error, AuthError):
        return f"Neo4j at {uri} refused the user {user} (config key graph.neo4j.user) with the password in the environment variable {PASSWORD}"
    if code.endswith("DatabaseNotFound"):
        return f"Neo4j at {uri} has no database {database}: mend config key graph.neo4j.database (the Community edition has just one, neo4j)"
    if _untrusted(error):
        return (
            f"the certificate of Neo4j at {uri} is not trusted: name its authority in the environment variable "
            "SSL_CERT_FILE, "
            "or write +ssc instead of +s in config key graph.neo4j.uri for a certificate that nobody vouches for"
        )
    if isinstance(error, ServiceUnavailable | SessionExpired | OSError):
        if connected:
            return f"Neo4j at {uri} stopped answering and did not come back within {patience:g} s ({reason}); start it and run again"
        return f"no Neo4j server at {uri} ({reason}): start it, or mend config key graph.neo4j.uri (docs/services.md)"
    return f"Neo4j at {uri} refused: {code or type(error).__name__}: {reason}"


@contextmanager
def connect(uri: str, user: str, database: str, patience: float = PATIENCE) -> Iterator[Database]:
    """Connect with the password that the environment holds; faults of the server become errors that say what to do.

    Args:
        uri: bolt:// or neo4j://, with +s for TLS or +ssc for TLS with a certificate that nobody vouches for.
        patience: seconds that a server which stops in the middle may take to come back.

    Raises:
        InputError: no password, no server, wrong user or password, no such database, a server that stops and does not
            come back.
    """
    if not os.environ.get(PASSWORD):
        raise InputError(
            f"the environment variable {PASSWORD} is not set: it holds the password of the Neo4j user {user} (config "
            "key graph.neo4j)"
        )
    settings = {
        "connection_timeout": CONNECT_SECONDS,
        "connection_acquisition_timeout": 2 * CONNECT_SECONDS,
        "max_transaction_retry_time": patience,
        "telemetry_disabled": True,
        "notifications_min_severity": "OFF",
        "user_agent": "tatara",
    }
    connected = False
    try:
        access = (user, os.environ[PASSWORD])
        # Asked without routing, since what goes wrong there is told without its reason.
        with (
            neo4j.GraphDatabase.driver(uri.replace("neo4j", "bolt", 1), auth=access, **settings) as driver,
            driver.session(database=database) as session,
        ):
            session.run("RETURN 1").consume()
        with neo4j.GraphDatabase.driver(uri, auth=access, **settings) as driver:
            connected = True
            yield Database(uri, database, driver)
    except (DriverError, Neo4jError, OSError) as error:
        raise InputError(_explain(error, uri, user, database, patience, connected)) from None


def _drained(rows: Rows) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the rows, each gone once it is taken, so that a large graph is not held twice."""
    while rows:
        yield rows.popleft()


def read_graph(
    *, uri: str, user: str, database: str, schema: Schema, toc_file: Path, patience: float = PATIENCE
) -> Graph:
    """Read and check the graph of a database; raises as `connect`, `Database.rows` and `graph.build_graph`."""
    toc = read_toc(toc_file)
    with connect(uri, user, database, patience) as found:
        rows = found.rows()
    return build_graph(*map(_drained, rows), schema, toc)
