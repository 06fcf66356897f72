"""A real Ollama server for tests: built once from its Go module, started on loopback with a models folder of its own.

python tests/support/ollama_server.py build     # the program, 3 to 4 minutes, into the cache folder
python tests/support/ollama_server.py start     # in the foreground until Ctrl-C; options --home FOLDER, --port N

The cache folder is TATARA_CACHE, else ~/.cache/tatara.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import server
from server import CACHE

VERSION = "0.17.4"
PROGRAM = CACHE / f"ollama-{VERSION}" / "ollama"
# The set-up keeps llama.cpp's source; its vendored headers are those that Go's module archive leaves out.
HEADERS = Path(sys.prefix, "llama.cpp", "source", "vendor", "llama.cpp", "vendor")


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
        # Without -march=native it generates several times slower; why not AMX, tools/setup.py says.
        flags = f"-O3 -march=native -U__AMX_INT8__ -I{HEADERS}"
        environment = {**os.environ, "GOBIN": folder, "CGO_ENABLED": "1", "CGO_CFLAGS": flags, "CGO_CXXFLAGS": flags}
        subprocess.run(
            ["go", "install", f"github.com/ollama/ollama@v{VERSION}"], env=environment, check=True, timeout=1800
        )
        PROGRAM.parent.mkdir(exist_ok=True)
        Path(folder, "ollama").rename(PROGRAM)


class Server(server.Server):
    """An Ollama server of ours; its home has its models.

    Attributes:
        environment: more variables for it, such as OLLAMA_NUM_PARALLEL.
    """

    name = "Ollama"

    def __init__(self, home: Path, port: int | None = None, environment: dict[str, str] | None = None):
        super().__init__(home, port)
        self.environment = environment or {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        build()
        (self.home / "models").mkdir(parents=True, exist_ok=True)
        known = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(self.home / "models"),
            "OLLAMA_KEEP_ALIVE": "10m",
            **self.environment,
        }
        self.launch([PROGRAM, "serve"], known)

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url, timeout=1).is_success
        except httpx.HTTPError:
            return False

    def create(self, name: str, modelfile: str) -> None:
        """Make a model from a Modelfile's text with the server's own command."""
        file = self.home / f"{name.replace(':', '_')}.Modelfile"
        file.write_text(modelfile)
        known = {"HOME": str(self.home), "PATH": os.environ["PATH"], "OLLAMA_HOST": f"127.0.0.1:{self.port}"}
        subprocess.run(
            [PROGRAM, "create", name, "-f", file], check=True, capture_output=True, text=True, env=known, timeout=300
        )


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
        ours = Server(arguments.home, arguments.port)
        ours.serve(f"Ollama {VERSION} at {ours.url}; models in {ours.home}")


if __name__ == "__main__":
    main()
