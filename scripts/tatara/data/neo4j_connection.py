"""A connection to a Neo4j database over Bolt, by the official driver; faults of the server say what to do."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import neo4j
from neo4j.exceptions import AuthError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired

from tatara.job.errors import InputError

PASSWORD = "NEO4J_PASSWORD"  # the environment variable; the password stands nowhere else
CONNECT_SECONDS = 5.0
PATIENCE = 15.0  # seconds that a server which stopped may take to come back


@dataclass(frozen=True)
class Connection:
    """A connection to a database of a server that answers.

    Attributes:
        uri, database: as in the config.
        driver: of the official package.
    """

    uri: str
    database: str
    driver: neo4j.Driver

    def session(self) -> neo4j.Session:
        return self.driver.session(database=self.database)


def _untrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _explain(error: Exception, uri: str, user: str, database: str, patience: float, connected: bool) -> str:
    code = getattr(error, "code", None) or ""
    reason = " ".join(str(error).split())
    server = f"Neo4j at {uri}"
    if code.endswith("AuthenticationRateLimit"):
        remedy = f"mend {PASSWORD}, wait, and start again"
        return f"{server} refuses the user {user} for some seconds after several wrong passwords: {remedy}"
    if isinstance(error, AuthError):
        key = "config key graph.neo4j.user"
        return f"{server} refused the user {user} ({key}) with the password in the environment variable {PASSWORD}"
    if code.endswith("DatabaseNotFound"):
        remedy = "mend config key graph.neo4j.database (the Community edition has just one, neo4j)"
        return f"{server} has no database {database}: {remedy}"
    if _untrusted(error):
        return (
            f"the certificate of {server} is not trusted: name its authority in the environment variable "
            "SSL_CERT_FILE, or write +ssc instead of +s in config key graph.neo4j.uri for a certificate that nobody "
            "vouches for"
        )
    if isinstance(error, ServiceUnavailable | SessionExpired | OSError):
        if connected:
            lost = f"stopped answering and did not come back within {patience:g} s"
            return f"{server} {lost} ({reason}); start it and run again"
        return f"no Neo4j server at {uri} ({reason}): start it, or mend config key graph.neo4j.uri (docs/services.md)"
    return f"{server} refused: {code or type(error).__name__}: {reason}"


@contextmanager
def connect(uri: str, user: str, database: str, patience: float = PATIENCE) -> Iterator[Connection]:
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
            yield Connection(uri, database, driver)
    except (DriverError, Neo4jError, OSError) as error:
        raise InputError(_explain(error, uri, user, database, patience, connected)) from None
