"""`kill -9` in the middle of long work: the next run goes on, and its files equal an undisturbed run's."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import ENVIRONMENT, Copy


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kill_when(copy: Copy, target: str, condition) -> None:
    """Run snakemake for a target and kill it with all its children, without warning, as soon as `condition` holds."""
    process = subprocess.Popen(
        copy.command(target, "--cores", "1"), cwd=copy.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    root = psutil.Process(process.pid)
    try:
        while not condition(root):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        for victim in [*root.children(recursive=True), root]:
            os.kill(victim.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def disturbed(smoke: Copy, tmp_path) -> Copy:
    """The finished smoke run once more, to be disturbed."""
    copy = Copy.__new__(Copy)
    copy.folder = tmp_path / "run"
    shutil.copytree(smoke.folder, copy.folder, symlinks=True)
    return copy


def goes_on(copy: Copy, target: str) -> str:
    """Unlock as `make run` does, run again, return what was said."""
    unlocked = subprocess.run([sys.executable, "scripts/unlock.py", "."], cwd=copy.folder, capture_output=True, text=True)
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
    kill_when(disturbed, target, lambda _: list(seals.glob("checkpoint-*/seal.json")))
    said = goes_on(disturbed, target)
    assert "goes on from checkpoint-" in said
    assert digest(adapter) == expected


def test_a_damaged_checkpoint_is_not_used(disturbed: Copy):
    target = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"
    adapter = disturbed.folder / target
    expected = digest(adapter)
    adapter.unlink()
    seals = disturbed.folder / "results/checkpoints/llama_n24_r16_s42"
    kill_when(disturbed, target, lambda _: list(seals.glob("checkpoint-*/seal.json")))
    for weights in seals.glob("checkpoint-*/adapter_model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-7])
    assert "incomplete, damaged or of other inputs: removed" in goes_on(disturbed, target)
    assert digest(adapter) == expected


def test_killed_in_conversion(disturbed: Copy):
    target = "results/gguf/llama-f16.gguf"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    kill_when(disturbed, target, lambda root: any("converter.py" in part for child in root.children(recursive=True) for part in child.cmdline()))
    goes_on(disturbed, target)
    assert digest(file) == expected


def test_killed_while_answering(disturbed: Copy):
    target = "results/answers/tanuki_nf4.jsonl"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    partial = disturbed.folder / "results/checkpoints/answers_tanuki_nf4.jsonl"
    kill_when(disturbed, target, lambda _: partial.exists() and partial.read_text().count("\n") >= 3)
    with partial.open("a") as torn:
        torn.write('{"id": "q0')
    assert "answers are there from an interrupted run" in goes_on(disturbed, target)
    assert digest(file) == expected
