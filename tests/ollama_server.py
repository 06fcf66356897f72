"""A real Ollama server for tests: built once from its Go module, started on loopback with a models folder of its own.

python tests/ollama_server.py build                 # the program, 3 to 4 minutes, into the cache folder
python tests/ollama_server.py start                 # in the foreground until Ctrl-C; options --home FOLDER, --port N

The cache folder is TATARA_CACHE, else ~/.cache/tatara.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

VERSION = "0.17.4"
CACHE = Path(os.environ.get("TATARA_CACHE", Path.home() / ".cache" / "tatara"))
PROGRAM = CACHE / f"ollama-{VERSION}" / "ollama"
# The set-up keeps llama.cpp's source; its vendored headers are those that Go's module archive leaves out.
HEADERS = Path(sys.prefix, "llama.cpp", "source", "vendor", "llama.cpp", "vendor")
READY_SECONDS = 60


def missing() -> str | None:
    """Return what keeps the server from being had on this machine, None when nothing does."""
    if PROGRAM.is_file():
        return None
    if not shutil.which("go"):
        return f"no Go to build Ollama {VERSION} with (go.dev); or put the program at {PROGRAM}"
    if not HEADERS.is_dir():
        return f"no llama.cpp source at {HEADERS}: run `make setup`"
    return None


def build() -> None:
    """Build the program into the cache folder, unless it is there; whole or not at all."""
    if PROGRAM.is_file():
        return
    PROGRAM.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROGRAM.parent.parent) as folder:
        # Without -march=native it generates several times slower; why not AMX, envs/setup.py says.
        flags = f"-O3 -march=native -U__AMX_INT8__ -I{HEADERS}"
        environment = {**os.environ, "GOBIN": folder, "CGO_ENABLED": "1", "CGO_CFLAGS": flags, "CGO_CXXFLAGS": flags}
        subprocess.run(["go", "install", f"github.com/ollama/ollama@v{VERSION}"], env=environment, check=True, timeout=1800)
        PROGRAM.parent.mkdir(exist_ok=True)
        Path(folder, "ollama").rename(PROGRAM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """An Ollama server of ours.

    Attributes:
        home: folder of its models; what it says goes to server.log in it.
        port: the same after a restart.
        environment: more variables for it, such as OLLAMA_NUM_PARALLEL.
    """

    def __init__(self, home: Path, port: int | None = None, environment: dict[str, str] | None = None):
        self.home, self.port = home, port or free_port()
        self.environment = environment or {}
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer in a minute.
        """
        build()
        (self.home / "models").mkdir(parents=True, exist_ok=True)
        log = self.home / "server.log"
        known = {
            "HOME": str(self.home), "PATH": os.environ["PATH"], "OLLAMA_HOST": f"127.0.0.1:{self.port}", "OLLAMA_MODELS": str(self.home / "models"),
            "OLLAMA_KEEP_ALIVE": "10m", **self.environment,
        }  # fmt: skip
        with log.open("a") as output:
            self.process = subprocess.Popen([PROGRAM, "serve"], stdout=output, stderr=subprocess.STDOUT, env=known, start_new_session=True)
        start = time.monotonic()
        while True:
            try:
                httpx.get(self.url, timeout=1).raise_for_status()
                return
            except httpx.HTTPError:
                if self.process.poll() is not None or time.monotonic() - start > READY_SECONDS:
                    self.kill()
                    raise RuntimeError(f"Ollama did not start:\n{log.read_text()[-3000:]}") from None
                time.sleep(0.1)

    def create(self, name: str, modelfile: str) -> None:
        """Make a model from a Modelfile's text with the server's own command."""
        file = self.home / f"{name.replace(':', '_')}.Modelfile"
        file.write_text(modelfile)
        known = {"HOME": str(self.home), "PATH": os.environ["PATH"], "OLLAMA_HOST": f"127.0.0.1:{self.port}"}
        subprocess.run([PROGRAM, "create", name, "-f", file], check=True, capture_output=True, text=True, env=known, timeout=300)

    def _end(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)  # its runners with it
            self.process.wait(60)

    def stop(self) -> None:
        """Let the server end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "start"])
    parser.add_argument("--home", type=Path, default=CACHE / "ollama-data", help="folder of the models (%(default)s)")
    parser.add_argument("--port", type=int, default=11434, help="port (%(default)s)")
    arguments = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    build()
    if arguments.action == "start":
        server = Server(arguments.home, arguments.port)
        server.start()
        print(f"Ollama {VERSION} at {server.url}; models in {server.home}; ends with Ctrl-C", flush=True)
        try:
            server.process.wait()
        except KeyboardInterrupt:
            server.stop()


if __name__ == "__main__":
    main()
