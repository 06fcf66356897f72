"""`kill -9` in the middle of long work: the next run goes on, and its files equal an undisturbed run's."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pipeline_copy import ENVIRONMENT, Copy, at_work


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def goes_on(copy: Copy, target: str) -> str:
    """Unlock as `make run` does, run again, return what was said."""
    unlocked = subprocess.run([sys.executable, "tools/unlock.py", "."], cwd=copy.folder, capture_output=True, text=True)
    assert unlocked.returncode == 0
    assert "its lock is removed" in unlocked.stderr
    done = copy.snakemake(target, "--cores", "1")
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_killed_in_training(disturbed: Copy):
    target = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"
    adapter = disturbed.folder / target
    expected = digest(adapter)
    adapter.unlink()
    seals = disturbed.folder / "results/checkpoints/llama_n24_r16_s42"
    disturbed.kill_when(target, lambda _: list(seals.glob("checkpoint-*/seal.json")))
    said = goes_on(disturbed, target)
    assert "goes on from checkpoint-" in said
    assert digest(adapter) == expected


def test_a_damaged_checkpoint_is_not_used(disturbed: Copy):
    target = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"
    adapter = disturbed.folder / target
    expected = digest(adapter)
    adapter.unlink()
    seals = disturbed.folder / "results/checkpoints/llama_n24_r16_s42"
    disturbed.kill_when(target, lambda _: list(seals.glob("checkpoint-*/seal.json")))
    for weights in seals.glob("checkpoint-*/adapter_model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-7])
    assert "incomplete, damaged or of other inputs: removed" in goes_on(disturbed, target)
    assert digest(adapter) == expected


def test_killed_in_conversion(disturbed: Copy):
    target = "results/gguf/llama-f16.gguf"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    disturbed.kill_when(target, lambda root: at_work(root, "converter.py"))
    goes_on(disturbed, target)
    assert digest(file) == expected


def test_killed_while_answering(disturbed: Copy):
    target = "results/answers/tanuki_nf4.jsonl"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    partial = disturbed.folder / "results/checkpoints/answers_tanuki_nf4.jsonl"
    disturbed.kill_when(target, lambda _: partial.exists() and partial.read_text().count("\n") >= 3)
    with partial.open("a") as torn:
        torn.write('{"id": "q0')
    assert "answers are there from an interrupted run" in goes_on(disturbed, target)
    assert digest(file) == expected


@pytest.mark.parametrize(
    ("damaged", "target"),
    [
        ("results/gguf/llama-q4.gguf", "results/answers/llama_q4.jsonl"),
        ("results/base/llama/model.safetensors", "results/adapters/llama_n16_r16_s42/adapter_model.safetensors"),
    ],
)
def test_a_file_that_was_cut_is_refused_and_made_anew_once_it_is_removed(disturbed: Copy, damaged: str, target: str):
    file, wanted = disturbed.folder / damaged, disturbed.folder / target
    expected = digest(wanted)
    file.write_bytes(file.read_bytes()[:-1000])
    wanted.unlink()
    done = disturbed.snakemake(target, "--cores", "1")
    assert done.returncode != 0
    assert f"{damaged}: it has" in done.stdout and "and run again: it is made anew" in done.stdout
    output = file.parent if "base" in damaged else file
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    done = disturbed.snakemake(target, "--cores", "1")
    assert done.returncode == 0, done.stdout[-4000:]
    assert digest(wanted) == expected


def test_two_runs_in_one_folder_do_not_meet(disturbed: Copy):
    """The second stops at once; `make run` asks first whether somebody works there, and takes no lock away from him."""
    target = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"
    (disturbed.folder / target).unlink()
    first = subprocess.Popen(
        [Path(sys.executable).parent / "snakemake", target, "--cores", "1", "--configfile", "config/smoke.yaml"],
        cwd=disturbed.folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        locks = disturbed.folder / ".snakemake/locks"
        while not (locks.is_dir() and any(locks.iterdir())):
            assert first.poll() is None
            time.sleep(0.05)
        unlock = subprocess.run(
            [sys.executable, "tools/unlock.py", "."], cwd=disturbed.folder, capture_output=True, text=True
        )
        assert unlock.returncode == 1 and "is working in .: wait for it, or end it" in unlock.stderr
        second = disturbed.snakemake(target, "--cores", "1")
        assert second.returncode != 0 and "cannot be locked" in second.stdout
        assert first.wait(120) == 0
    finally:
        first.kill()
