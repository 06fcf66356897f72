"""What a rule wrote is used only while it is what the rule wrote."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import load_file
from tatara.job import seals
from tatara.job.errors import InputError
from tatara.job.run import job


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/base/m").mkdir(parents=True)
    (tmp_path / "results/qa").mkdir()
    (tmp_path / "results/qa/pool.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    (tmp_path / "results/base/m/model.safetensors").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "results/base/m/config.json").write_text("{}")
    seals.seal(["results/qa/pool.jsonl", "results/base/m"])
    return tmp_path / "results"


PATHS = ["results/qa/pool.jsonl", "results/base/m"]


def snakemake_of(name: str, inputs: list[str] = (), outputs: list[str] = ()) -> SimpleNamespace:
    """Return what Snakemake gives to the script of a rule without wildcards and params."""
    return SimpleNamespace(log=[f"results/logs/{name}.log"], input=inputs, output=outputs, threads=1, resources={})


def test_what_is_whole_passes_and_what_has_no_seal_is_taken_as_it_is(results):
    (results / "qa/other.jsonl").write_text("{}\n")
    unsealed = seals.check([*PATHS, "results/qa/other.jsonl", "config/config.yaml", "/elsewhere/file"])
    assert [str(path) for path in unsealed] == ["results/qa/other.jsonl"]


def test_a_copy_of_the_results_is_as_good(results, tmp_path, monkeypatch):
    os.utime(results / "qa/pool.jsonl", (1, 1))
    (tmp_path / "moved").mkdir()
    results.rename(tmp_path / "moved/results")
    monkeypatch.chdir(tmp_path / "moved")
    seals.check(PATHS)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "qa/pool.jsonl",
            lambda data: data[:-9],
            "pool.jsonl: it has 9 bytes, its rule had written 18.* Remove results/qa/pool.jsonl and run again",
        ),
        ("qa/pool.jsonl", lambda data: b"", "pool.jsonl: it has 0 bytes"),
        (
            "qa/pool.jsonl",
            lambda data: data.replace(b"2", b"3"),
            "pool.jsonl: its content is not what its rule had written",
        ),
        (
            "base/m/model.safetensors",
            lambda data: data[:-1],
            "model.safetensors: it has 2,559 bytes.* Remove results/base/m and",
        ),
        ("base/m/model.safetensors", None, "model.safetensors: it is gone"),
        ("seals/base/m.json", lambda data: data[:-4], "this seal is damaged"),
    ],
)
def test_damage_is_named_with_its_remedy(results, name, change, said):
    file = results / name
    if change is None:
        file.unlink()
    else:
        file.write_bytes(change(file.read_bytes()))
    with pytest.raises(InputError, match=said):
        seals.check(PATHS)


def test_a_large_file_is_known_by_its_size_and_its_ends(results, monkeypatch):
    monkeypatch.setattr(seals, "WHOLE", 100)
    monkeypatch.setattr(seals, "END", 16)
    file = results / "base/m/model.safetensors"
    seals.seal(["results/base/m"])
    seals.check(["results/base/m"])
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"x")
    with pytest.raises(InputError, match="content"):
        seals.check(["results/base/m"])


def test_a_job_refuses_damaged_inputs_and_seals_what_it_made(results, capsys):
    with job(snakemake_of("a", PATHS, ["results/scale.csv"])):
        (results / "scale.csv").write_text("n\n1\n")
    (results / "scale.csv").write_text("n\n")
    with pytest.raises(SystemExit), job(snakemake_of("b", ["results/scale.csv"])):
        raise AssertionError("the work must not begin")
    assert "scale.csv: it has 2 bytes, its rule had written 4" in (results / "logs/b.log").read_text()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "results/x"), "is full: free some space and run again"),
        (RuntimeError("SafetensorError: I/O error: No space left on device (os error 28)"), "is full"),
        (PermissionError(13, "Permission denied", "results/x"), "results/x cannot be written: make it writable"),
        (MemoryError(), "out of memory: run fewer jobs"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), "out of memory"),
    ],
)
def test_trouble_of_the_machine_is_said_with_what_to_do(results, error, said):
    with pytest.raises(SystemExit), job(snakemake_of("a")):
        raise ValueError("while writing") from error
    assert said in (results / "logs/a.log").read_text()


def test_another_error_keeps_its_traceback_and_no_remedy_is_invented(results):
    with pytest.raises(SystemExit), job(snakemake_of("a")):
        raise KeyError("r")
    said = (results / "logs/a.log").read_text()
    assert "Traceback" in said and "ERROR" not in said


def test_a_job_that_fails_names_inputs_whose_seal_was_removed(results):
    """The advice to remove a seal, followed for weights that were cut, led to a traceback alone."""
    seals.seal_of(Path("results/base/m")).unlink()
    with pytest.raises(SystemExit), job(snakemake_of("a", PATHS)):
        load_file("results/base/m/model.safetensors")
    said = (results / "logs/a.log").read_text()
    assert "SafetensorError" in said and "no seal says that results/base/m is whole" in said
    assert "remove it and run again, and it is made anew" in said


def test_a_colleague_may_read_what_the_umask_lets_them_read(results, tmp_path):
    theirs, weights = tmp_path / "theirs.safetensors", results / "base/m/model.safetensors"
    theirs.write_bytes(b"theirs")
    (results / "base/m/linked.safetensors").hardlink_to(theirs)
    program = results / "base/m/config.json"
    for file, mode in ((theirs, 0o600), (weights, 0o600), (program, 0o700)):
        file.chmod(mode)
    before = os.umask(0o027)
    try:
        with job(snakemake_of("base", outputs=["results/base/m"])):
            pass
    finally:
        os.umask(before)
    assert [file.stat().st_mode & 0o777 for file in (theirs, weights, program)] == [0o600, 0o640, 0o740]
