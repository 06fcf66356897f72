"""A real Neo4j server for tests: its libraries from Maven, started on loopback with authentication, and with TLS for those who ask for it.

python tests/neo4j_server.py fetch                  # the libraries, 123 MB, into the cache folder
python tests/neo4j_server.py start                  # in the foreground until Ctrl-C; options --home FOLDER, --port N; password in NEO4J_PASSWORD

The cache folder is TATARA_CACHE, else ~/.cache/tatara. Needs Java 17 and, to fetch, Maven.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ollama_server import CACHE, free_port

VERSION = "5.26.30"
LIBRARIES = CACHE / f"neo4j-{VERSION}"
PROGRAM = Path(__file__).with_name("Neo4jServer.java")
READY_SECONDS = 120
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
        return f"Neo4j {VERSION} runs on Java 17 or 21, and this is {said.splitlines()[0] if said else 'something else'}"
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
        command = ["mvn", "-q", "-B", "-f", f"{folder}/pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib"]
        subprocess.run(command, check=True, timeout=900)
        Path(folder, "lib").rename(LIBRARIES)


def make_certificate(folder: Path) -> None:
    """Make a key and a certificate for localhost that vouches for itself; the certificate serves as its own authority."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "private.key", "-out", folder / "public.crt"],
        check=True, capture_output=True,
    )  # fmt: skip


class Server:
    """A Neo4j server of ours.

    Attributes:
        home: folder of its data; what it says goes to server.log in it.
        port: of Bolt, the same after a restart.
        password: of the user neo4j.
        certificate: what a client trusts for TLS; None without openssl.
    """

    def __init__(self, home: Path, password: str, port: int | None = None):
        self.home, self.password, self.port = home, password, port or free_port()
        self.certificate: Path | None = None
        self.process: subprocess.Popen | None = None

    @property
    def uri(self) -> str:
        return f"bolt://localhost:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it is ready.

        Raises:
            RuntimeError: it ended, or was not ready in two minutes.
        """
        fetch()
        self.home.mkdir(parents=True, exist_ok=True)
        conf = CONF.format(port=self.port)
        if shutil.which("openssl"):
            self.certificate = self.home / "certificates/public.crt"
            if not self.certificate.is_file():
                make_certificate(self.certificate.parent)
            conf += TLS
        (self.home / "neo4j.conf").write_text(conf)
        log = self.home / "server.log"
        # The quick compiler alone: a server of a few minutes starts in half the time.
        command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBRARIES}/*", PROGRAM, self.home]
        with log.open("w") as output:
            known = {**os.environ, "NEO4J_PASSWORD": self.password}
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=known, start_new_session=True)
        start = time.monotonic()
        while "ready\n" not in log.read_text():
            if self.process.poll() is not None or time.monotonic() - start > READY_SECONDS:
                self.kill()
                raise RuntimeError(f"Neo4j did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _end(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def stop(self) -> None:
        """Let the server end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)


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
        server = Server(arguments.home, os.environ["NEO4J_PASSWORD"], arguments.port)
        server.start()
        print(f"Neo4j {VERSION} at {server.uri}; data in {server.home}; ends with Ctrl-C", flush=True)
        try:
            server.process.wait()
        except KeyboardInterrupt:
            server.stop()


if __name__ == "__main__":
    main()
