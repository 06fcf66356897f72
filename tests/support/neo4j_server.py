"""A real Neo4j server for tests: its libraries from Maven, started on loopback with authentication, and with TLS for
those who ask for it.

python tests/support/neo4j_server.py fetch     # the libraries, 123 MB, into the cache folder
python tests/support/neo4j_server.py start     # in the foreground until Ctrl-C; options --home FOLDER, --port N

`start` takes the password from NEO4J_PASSWORD.

The cache folder is TATARA_CACHE, else ~/.cache/tatara. Needs Java 17 and, to fetch, Maven.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import server
from server import CACHE

VERSION = "5.26.30"
LIBRARIES = CACHE / f"neo4j-{VERSION}"
PROGRAM = Path(__file__).with_name("Neo4jServer.java")
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tatara</groupId><artifactId>neo4j-for-tests</artifactId><version>1</version>
  <dependencies><dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version></dependency></dependencies>
</project>
"""
CONF = """server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=localhost:{port}
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
server.memory.pagecache.size=128m
"""
TLS = """server.bolt.tls_level=OPTIONAL
dbms.ssl.policy.bolt.enabled=true
dbms.ssl.policy.bolt.base_directory=certificates
dbms.ssl.policy.bolt.client_auth=NONE
"""


def missing() -> str | None:
    """Return what keeps the server from being had on this machine, None when nothing does."""
    if not shutil.which("java"):
        return f"no Java to run Neo4j {VERSION} with: install a JDK 17 (Debian, Ubuntu: openjdk-17-jdk-headless)"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) not in (17, 21):
        return (
            f"Neo4j {VERSION} runs on Java 17 or 21, and this is {said.splitlines()[0] if said else 'something else'}"
        )
    if not LIBRARIES.is_dir() and not shutil.which("mvn"):
        return f"no Maven to fetch Neo4j {VERSION} with (Debian, Ubuntu: maven)"
    return None


def fetch() -> None:
    """Fetch the libraries into the cache folder, unless they are there; whole or not at all."""
    if LIBRARIES.is_dir():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        Path(folder, "pom.xml").write_text(POM)
        command = [
            "mvn",
            "-q",
            "-B",
            "-f",
            f"{folder}/pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={folder}/lib",
        ]
        subprocess.run(command, check=True, timeout=900)
        Path(folder, "lib").rename(LIBRARIES)


def make_certificate(folder: Path) -> None:
    """Make a key and a self-signed certificate for localhost; the certificate serves as its own authority."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            folder / "private.key",
            "-out",
            folder / "public.crt",
        ],
        check=True,
        capture_output=True,
    )


class Server(server.Server):
    """A Neo4j server of ours; its port is Bolt's.

    Attributes:
        password: of the user neo4j.
        certificate: what a client trusts for TLS; None without openssl.
    """

    name = "Neo4j"
    ready_seconds = 120.0

    def __init__(self, home: Path, password: str, port: int | None = None):
        super().__init__(home, port)
        self.password = password
        self.certificate: Path | None = None

    @property
    def uri(self) -> str:
        return f"bolt://localhost:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        fetch()
        self.home.mkdir(parents=True, exist_ok=True)
        conf = CONF.format(port=self.port)
        if shutil.which("openssl"):
            self.certificate = self.home / "certificates/public.crt"
            if not self.certificate.is_file():
                make_certificate(self.certificate.parent)
            conf += TLS
        (self.home / "neo4j.conf").write_text(conf)
        # The quick compiler alone: a server of a few minutes starts in half the time.
        command = [
            "java",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{LIBRARIES}/*",
            PROGRAM,
            self.home,
        ]
        self.launch(command, {**os.environ, "NEO4J_PASSWORD": self.password})

    def is_ready(self) -> bool:
        return "ready\n" in self.log.read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["fetch", "start"])
    parser.add_argument("--home", type=Path, default=CACHE / "neo4j-data", help="folder of the data (%(default)s)")
    parser.add_argument("--port", type=int, default=7687, help="port of Bolt (%(default)s)")
    arguments = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    fetch()
    if arguments.action == "start":
        if not os.environ.get("NEO4J_PASSWORD"):
            sys.exit("set NEO4J_PASSWORD to the password that the user neo4j shall have (8 characters or more)")
        ours = Server(arguments.home, os.environ["NEO4J_PASSWORD"], arguments.port)
        ours.serve(f"Neo4j {VERSION} at {ours.uri}; data in {ours.home}")


if __name__ == "__main__":
    main()
