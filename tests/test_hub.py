"""The hub source against a server that speaks the hub's interface, through the real client and the pipeline's fetch."""

import errno
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import mounts
import pytest
import tiny_models as tiny
from hub_server import HubServer, Repository
from pipeline_copy import REPOSITORY
from tatara.job.machine import machine_remedy

REPO = "lab/tiny"
KEY = "models.a.source.hub"
CHUNK = 10 * 2**20  # the client writes this much at once; what came of a smaller rest is lost
# What a rule's script does, in a process of its own: the client reads its environment when it is imported.
PROGRAM = f"""
import json, sys
sys.path.insert(0, {str(REPOSITORY / "scripts")!r})
from pathlib import Path
from tatara.job.errors import InputError
from tatara.models import base_hub, hub_description
work, repo, revision, steps = Path(sys.argv[1]), *sys.argv[2:5]
try:
    if "d" in steps:
        hub_description.describe({{"repo": repo, "revision": revision}}, work / "hub", {KEY!r})
    if "w" in steps:
        base_hub.build(name="a", description=work / "hub", folder=work / "base", unfinished=work / "unfinished")
except InputError as error:
    sys.exit(f"ERROR: {{error}}")
"""


class Client:
    """Fetches as the rules do, in a home of its own."""

    def __init__(self, folder: Path, endpoint: str):
        self.folder, self.home = folder, folder / "home"
        self.environment = {
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(self.home),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }
        self.environment.pop("HF_TOKEN", None)

    def run(self, revision: str = "main", *, repo: str = REPO, steps: str = "dw", **environment) -> str:
        """Describe (d) and fetch the weights (w); return the error, nothing where all went well."""
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(self.folder), repo, revision, steps],
            env=self.environment | environment,
            text=True,
            capture_output=True,
            timeout=120,
        )
        if done.returncode == 0:
            return ""
        error = done.stderr[done.stderr.rindex("ERROR: ") :] if "ERROR: " in done.stderr else done.stderr
        assert error.startswith("ERROR: "), done.stderr[-3000:]
        return error

    def record(self) -> dict:
        return json.loads((self.folder / "base/base.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> dict[str, bytes]:
    """A tiny model's files, and beside them what is not to be fetched."""
    folder = tiny.make_base(tmp_path_factory.mktemp("model") / "base", "llama3")
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "base.json"}
    others = ("consolidated.safetensors", "pytorch_model.bin", "original/consolidated.00.pth", "modeling_tiny.py")
    return files | {name: b"not to be fetched" * 200 for name in others}


@pytest.fixture
def hub(model):
    with HubServer() as server:
        server.repositories[REPO] = Repository()
        server.repositories[REPO].push(model)
        yield server


@pytest.fixture
def client(hub, tmp_path) -> Client:
    return Client(tmp_path, hub.url)


def large(seed: int = 0) -> bytes:
    """Return 32 MiB that are told apart by place."""
    return b"".join(hashlib.sha256(f"{seed}-{n}".encode()).digest() * 2**10 for n in range(2**10))


def test_a_model_is_fetched_whole_and_nothing_else(hub, client, model):
    commit = hub.repositories[REPO].branches["main"]
    assert client.run() == ""
    fetched = {path.name: path.read_bytes() for path in (client.folder / "base").iterdir() if path.name != "base.json"}
    expected = {name for name in model if "consolidated" not in name and not name.endswith((".bin", ".py"))}
    assert fetched == {name: model[name] for name in expected}
    assert client.record() == {"model": "a", "source": "hub", "repo": REPO, "commit": commit}
    assert json.loads((client.folder / "hub/hub.json").read_text())["license"] == "apache-2.0"
    paths = " ".join(path for _, path, _ in hub.asked)
    assert "consolidated" not in paths and "pytorch_model" not in paths and "modeling" not in paths
    assert not [path for path in client.home.rglob("*") if path.is_file()], "the user's cache was written to"
    assert not (client.folder / "unfinished").exists()


def test_a_connection_that_breaks_goes_on_where_it_stopped(hub, client, model):
    hub.repositories[REPO].push(model | {"model.safetensors": large()})
    hub.cuts["model.safetensors"] = [CHUNK + CHUNK // 2]
    assert client.run() == ""
    assert (client.folder / "base/model.safetensors").read_bytes() == large()
    assert hub.downloads("model.safetensors") == [None, f"bytes={CHUNK}-"]


def test_a_download_that_was_given_up_goes_on_in_the_next_run(hub, client, model):
    hub.repositories[REPO].push(model | {"model.safetensors": large()})
    hub.cuts["model.safetensors"] = [CHUNK + CHUNK // 2, *[0] * 5]  # as often as the client tries
    error = client.run()
    assert "the connection broke" in error and "goes on where it stopped" in error and REPO in error
    tried = len(hub.downloads("model.safetensors"))
    assert not (client.folder / "base/model.safetensors").exists()
    assert client.run(steps="w") == ""
    assert (client.folder / "base/model.safetensors").read_bytes() == large()
    assert hub.downloads("model.safetensors")[tried:] == [f"bytes={CHUNK}-"]


def test_weights_are_those_of_the_commit_that_was_described(hub, client, model):
    repository = hub.repositories[REPO]
    first = repository.branches["main"]
    assert client.run(steps="d") == ""
    second = repository.push(model | {"model.safetensors": large()})
    assert client.run(steps="w") == ""
    assert (client.folder / "base/model.safetensors").read_bytes() == model["model.safetensors"]
    assert client.record()["commit"] == first
    shutil.rmtree(client.folder / "base")
    assert client.run() == ""
    assert client.record()["commit"] == second
    assert (client.folder / "base/model.safetensors").read_bytes() == large()


def test_a_commit_is_a_revision(hub, client, model):
    first = hub.repositories[REPO].branches["main"]
    hub.repositories[REPO].push(model | {"config.json": b"{}"})
    assert client.run(first) == ""
    assert (client.folder / "base/config.json").read_bytes() == model["config.json"]


def test_what_was_damaged_on_its_way_is_refused(client):
    assert client.run(steps="d") == ""
    file = client.folder / "hub/hub.json"
    record = json.loads(file.read_text())
    record["weights"]["model.safetensors"]["sha256"] = "0" * 64
    file.write_text(json.dumps(record))
    assert "model.safetensors of lab/tiny was damaged on its way" in client.run(steps="w")
    assert not (client.folder / "base/model.safetensors").exists()


def test_shards_are_fetched_and_a_missing_one_is_in_the_description(hub, client, model):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = {name: data for name, data in model.items() if name != "model.safetensors"}
    files |= {"model.safetensors.index.json": json.dumps(index).encode(), "model-1.safetensors": large(1)}
    hub.repositories[REPO].push(files | {"model-2.safetensors": large(2)})
    assert client.run() == ""
    assert (client.folder / "base/model-2.safetensors").read_bytes() == large(2)
    assert (client.folder / "base/model.safetensors.index.json").is_file()
    hub.repositories[REPO].push(files)
    assert client.run(steps="d") == ""
    weights = json.loads((client.folder / "hub/hub.json").read_text())["weights"]
    assert [weight["bytes"] for weight in weights.values()] == [len(large(1)), None]


def test_a_wrong_revision(client):
    error = client.run("no-such-branch")
    assert f"{REPO} has no revision no-such-branch (config key {KEY}.revision)" in error


def test_an_unknown_repository(client):
    error = client.run(repo="lab/nobody")
    assert "knows no repository lab/nobody" in error and f"{KEY}.repo" in error and "hf auth login" in error
    assert "expected owner/name" in client.run(repo="a/b/c")


@pytest.mark.parametrize(("status", "help_"), [(401, "`hf auth login`"), (403, "`hf auth whoami`")])
def test_a_gated_repository(hub, client, status, help_):
    hub.repositories[REPO].gated = status
    error = client.run()
    assert f"{REPO} is gated (config key {KEY}.repo): accept its terms at {hub.url}/{REPO}" in error
    assert help_ in error and "\n" not in error.strip()


def out_of_reach(error: str) -> bool:
    """Whether an error is one sentence with repository, key and the way out."""
    return (
        all(part in error for part in (REPO, KEY, "snapshot folder", "source.path.file"))
        and len(error.strip().splitlines()) == 1
    )


@pytest.mark.parametrize("how", ["refused", "no such host", "silent"])
def test_no_network_is_one_sentence_within_thirty_seconds(tmp_path, how):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if how == "refused":
            listener.close()
        client = Client(tmp_path, f"http://hub.invalid:{port}" if how == "no such host" else f"http://127.0.0.1:{port}")
        start = time.monotonic()
        error = client.run()
    assert time.monotonic() - start < 30
    assert out_of_reach(error) and "out of reach" in error


CACHE = """import sys; from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], revision=sys.argv[2]))"""


def cache(client: Client, revision: str = "main") -> Path:
    """Fill the client's own cache as a user would; return the snapshot."""
    done = subprocess.run(
        [sys.executable, "-c", CACHE, REPO, revision],
        env=client.environment,
        text=True,
        capture_output=True,
        check=True,
    )
    return Path(done.stdout.strip())


def digests(folder: Path) -> dict[str, tuple]:
    """Return file -> time, mode and digest of its content."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_offline_an_existing_cache_is_taken_and_left_as_it_is(hub, client, model):
    snapshot = cache(client)
    before, asked = digests(client.home), len(hub.asked)
    assert client.run(HF_HUB_OFFLINE="1") == ""
    assert client.record()["commit"] == snapshot.name == hub.repositories[REPO].branches["main"]
    assert (client.folder / "base/model.safetensors").read_bytes() == model["model.safetensors"]
    assert (client.folder / "base/model.safetensors").stat().st_nlink == 2, "weights are linked"
    assert (client.folder / "base/config.json").stat().st_nlink == 1
    assert digests(client.home) == before and len(hub.asked) == asked


def test_a_cache_is_taken_where_the_hub_cannot_be_reached(client, model):
    cache(client)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert client.run(HF_ENDPOINT=f"http://127.0.0.1:{port}") == ""
    assert (client.folder / "base/model.safetensors").read_bytes() == model["model.safetensors"]


def test_offline_without_a_cache(client):
    error = client.run(HF_HUB_OFFLINE="1")
    assert out_of_reach(error) and "HF_HUB_OFFLINE is set" in error and str(client.home) in error


def test_offline_with_half_a_cache(client):
    snapshot = cache(client)
    (snapshot / "model.safetensors").unlink()
    error = client.run(HF_HUB_OFFLINE="1")
    assert out_of_reach(error) and "does not hold all of its files" in error


needs_mounts = pytest.mark.skipif(bool(mounts.missing()), reason=mounts.missing())


@needs_mounts
def test_too_little_room_is_said_before_the_download(hub, client, model):
    hub.repositories[REPO].push(model | {"model.safetensors": large()})
    assert client.run(steps="d") == ""
    (client.folder / "unfinished").mkdir()
    with mounts.mounted(client.folder / "unfinished", *mounts.TMPFS):
        error = client.run(steps="w")
    assert "need 0.0 GiB more" in error and "free some space" in error and str(client.folder / "unfinished") in error
    assert hub.downloads("model.safetensors") == []


@needs_mounts
def test_a_disk_that_fills_up_meanwhile(hub, client, model):
    """The room that was there goes to others: the description says nothing of the size, so that it is not looked at."""
    hub.repositories[REPO].push(model | {"model.safetensors": large()})
    assert client.run(steps="d") == ""
    file = client.folder / "hub/hub.json"
    record = json.loads(file.read_text())
    record["weights"]["model.safetensors"]["bytes"] = None
    file.write_text(json.dumps(record))
    (client.folder / "unfinished").mkdir()
    with mounts.mounted(client.folder / "unfinished", *mounts.TMPFS):
        with pytest.raises(AssertionError) as failed:
            client.run(steps="w")
        assert "OSError: [Errno 28] No space left on device" in str(failed.value)
        remedy = machine_remedy(OSError(errno.ENOSPC, "No space left on device"), client.folder / "unfinished/log")
        assert f"the disk of {client.folder / 'unfinished'} is full: free some space and run again" in remedy
