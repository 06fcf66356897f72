"""Results that move to another machine, and the bundle that is checked without the weights."""

import contextlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from pipeline_copy import ENVIRONMENT, Copy, edited
from tatara.job.digests import pipeline_commit

WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt")


def take_up(copy: Copy, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "tools/take_up.py", ".", *arguments]
    return subprocess.run(
        command, cwd=copy.folder, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def bundle(copy: Copy) -> subprocess.CompletedProcess:
    command = [sys.executable, "tools/bundle.py", "results", "bundle.tar.gz"]
    return subprocess.run(
        command, cwd=copy.folder, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.fixture(scope="module")
def transfer(finished: Copy, tmp_path_factory) -> Copy:
    """A fresh copy of the pipeline with a results folder that came alone, its times lost on the way."""
    copy = Copy(tmp_path_factory.mktemp("transfer"))
    shutil.copytree(finished.folder / "results", copy.folder / "results", copy_function=shutil.copyfile)
    return copy


@pytest.fixture
def arrived(transfer: Copy) -> Copy:
    """The results that came alone, with no records of Snakemake's; a test leaves them as they were."""
    shutil.rmtree(transfer.folder / ".snakemake", ignore_errors=True)
    return transfer


def test_results_alone_are_taken_up_with_nothing_made_again(arrived: Copy):
    checked = take_up(arrived, "--check")
    assert checked.returncode == 1
    assert "was made elsewhere" in checked.stdout
    taken = take_up(arrived, "config/smoke.yaml")
    assert taken.returncode == 0, taken.stdout
    assert arrived.planned("all") == {}
    assert take_up(arrived, "--check").returncode == 0
    # What is changed from now on is seen as ever.
    with edited(arrived.folder / "config/smoke.yaml", lambda text: text.replace("tokens: 24", "tokens: 23")):
        planned = arrived.planned("all")
    assert {"answers_gguf", "answers_nf4"} <= planned.keys()
    assert not planned.keys() & {"base_scratch", "train_scale", "merge", "convert"}


def test_results_of_something_else_are_refused(arrived: Copy):
    """Another configuration, another input, other code: each difference is named, all of them at once."""
    changes = {
        "config/smoke.yaml": lambda text: text.replace("limit: 8", "limit: 9"),
        "resources/templates/v2.yaml": lambda text: text + "\n# changed\n",
        "scripts/tatara/evaluate/nll.py": lambda text: text + "\nCHANGED = True\n",
    }
    with contextlib.ExitStack() as edits:
        for file, change in changes.items():
            edits.enter_context(edited(arrived.folder / file, change))
        taken = take_up(arrived, "config/smoke.yaml")
    assert taken.returncode == 1
    for part in (
        "the configuration is another one",
        "resources/templates/v2.yaml is another file",
        "the code is not that of commit",
        "RECORDS=1",
    ):
        assert part in taken.stdout, taken.stdout
    assert taken.stdout.count("\n  ") == 3


def test_results_with_a_file_missing_or_cut_short_are_refused(arrived: Copy):
    """A file that is cut short is named before anything is asked of Snakemake, a missing one with its rule."""
    scores, model = arrived.folder / "results/judge/agreement.csv", arrived.folder / "results/gguf/llama-q4.gguf"
    whole = scores.read_bytes(), model.read_bytes()
    try:
        scores.unlink()
        taken = take_up(arrived, "config/smoke.yaml")
        assert taken.returncode == 1
        assert "files are missing" in taken.stdout and "agreement" in taken.stdout
        model.write_bytes(whole[1][:-100])
        taken = take_up(arrived, "config/smoke.yaml")
        assert taken.returncode == 1
        assert "results/gguf/llama-q4.gguf: it has" in taken.stdout
    finally:
        scores.write_bytes(whole[0])
        model.write_bytes(whole[1])


def test_with_its_records_only_what_differs_is_made_again(finished: Copy, arrived: Copy):
    assert "holds no records" in take_up(arrived, "--records").stdout
    shutil.copytree(finished.folder / ".snakemake", arrived.folder / ".snakemake")
    module = arrived.folder / "scripts/tatara/report/figures/__init__.py"
    with edited(module, lambda text: text + "\nCHANGED = True\n"):
        assert take_up(arrived, "--records").returncode == 0
        planned = arrived.planned("all")
    assert "fig05_training_loss" in planned
    assert not planned.keys() & {"graph", "base", "train_scale", "merge", "convert", "answers_gguf", "judge", "table3"}


def test_no_path_of_the_machine_stands_in_the_results(finished: Copy):
    places = [str(finished.folder).encode(), str(Path.home()).encode() + b"/", sys.prefix.encode()]
    files = [
        path
        for path in (finished.folder / "results").rglob("*")
        if path.is_file() and path.relative_to(finished.folder).parts[1] != "logs"
    ]
    assert len(files) > 100
    assert [path for path in files if any(place in path.read_bytes() for place in places)] == []


def test_a_bundle_is_the_same_when_made_twice_and_holds_no_weights(smoke: Copy, arrived: Copy):
    for copy in (smoke, arrived):
        assert bundle(copy).returncode == 0
    first, second = smoke.folder / "bundle.tar.gz", arrived.folder / "bundle.tar.gz"
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        names = archive.getnames()
    first.unlink()
    assert names[:-1] == sorted(names[:-1])
    wanted = [
        "report.html",
        "config.yaml",
        "provenance.json",
        "tables/table3.csv",
        "answers/llama_q4.jsonl",
        "judge/judge_llama_q4.csv",
        "figures/fig06_scale_nll.svg",
        "adapters/llama_n24_r16_s42/train.json",
    ]
    assert {f"results/{name}" for name in wanted} <= set(names)
    assert not [name for name in names if name.endswith(WEIGHTS) or "/logs/" in name or "tokenizer" in name]


def test_a_study_is_checked_from_its_bundle(smoke: Copy, copy: Copy):
    """The digests hold, and tables and the report are computed again from the bundle's answers and scores, without any
    weights.
    """
    assert bundle(smoke).returncode == 0
    with tarfile.open(smoke.folder / "bundle.tar.gz") as archive:
        archive.extractall(copy.folder, filter="data")
    (smoke.folder / "bundle.tar.gz").unlink()
    check = ["sha256sum", "--check", "--quiet", "results/bundle.sha256"]
    assert subprocess.run(check, cwd=copy.folder).returncode == 0
    target = "results/report.html"
    taken = take_up(copy, "config/smoke.yaml", "--target", target)
    assert taken.returncode == 0, taken.stdout
    for path in [*(copy.folder / "results/tables").iterdir(), copy.folder / target]:
        path.unlink()
    planned = copy.planned(target)
    assert {"table1", "table6", "report"} <= planned.keys()
    assert not planned.keys() & {"base", "train_scale", "answers_gguf", "nll_gguf", "judge"}
    done = copy.snakemake(target, "--cores", "1")
    assert done.returncode == 0, done.stdout[-3000:]
    assert subprocess.run(check, cwd=copy.folder).returncode == 0


def test_an_unfinished_study_is_not_packed(copy: Copy):
    (copy.folder / "results").mkdir()
    done = bundle(copy)
    assert done.returncode == 1
    assert "results/config.yaml is not there" in done.stdout
    assert not (copy.folder / "bundle.tar.gz").exists()


def test_a_commit_is_the_pipelines_own(tmp_path, monkeypatch):
    """A copy that another repository ignores is not that repository's commit, though git finds it above."""

    def git(*arguments: str) -> str:
        author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        return subprocess.run(
            ["git", "-C", tmp_path, *author, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    assert pipeline_commit(tmp_path) == "unknown"
    (tmp_path / "Snakefile").write_text("# ours\n")
    (tmp_path / ".gitignore").write_text("copies/\n")
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/Snakefile").write_text("# a copy\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert pipeline_commit(tmp_path) == commit and pipeline_commit(tmp_path / "copies") == "unknown"
    (tmp_path / "Snakefile").write_text("# changed\n")
    assert pipeline_commit(tmp_path) == f"{commit}+"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pipeline_commit(tmp_path) == "unknown"
