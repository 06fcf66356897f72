"""`kill -9` in the middle of long work: the next run goes on, and its files equal an undisturbed run's."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pipeline_copy import ENVIRONMENT, Copy, at_work, edited

ADAPTER = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unlock(copy: Copy, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "tools/unlock.py", ".", *options]
    return subprocess.run(command, cwd=copy.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def made_again(copy: Copy, target: str) -> str:
    """Make a target again, return what was said."""
    done = copy.snakemake(target, "--cores", "1")
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def goes_on(copy: Copy, target: str) -> str:
    """Unlock as `make run` does, run again, return what was said."""
    unlocked = unlock(copy)
    assert unlocked.returncode == 0
    assert "its lock is removed" in unlocked.stdout
    return made_again(copy, target)


def test_killed_in_training(disturbed: Copy):
    """It goes on from its checkpoint; from a checkpoint that is damaged it does not, and begins anew."""
    adapter, checkpoints = disturbed.folder / ADAPTER, disturbed.folder / "results/checkpoints/llama_n24_r16_s42"
    expected = digest(adapter)
    adapter.unlink()
    disturbed.kill_when(ADAPTER, lambda _: list(checkpoints.glob("checkpoint-*/seal.json")))
    shutil.copytree(checkpoints, disturbed.folder / "kept")
    assert "goes on from checkpoint-" in goes_on(disturbed, ADAPTER)
    assert digest(adapter) == expected

    adapter.unlink()
    shutil.copytree(disturbed.folder / "kept", checkpoints)
    for weights in checkpoints.glob("checkpoint-*/adapter_model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-7])
    assert "incomplete, damaged or of other inputs: removed" in made_again(disturbed, ADAPTER)
    assert digest(adapter) == expected


def test_what_still_works_in_a_folder_is_named_and_ended_by_the_users_word_alone(disturbed: Copy):
    """A second run stops at once; a job that a killed Snakemake left at work is not joined by another one."""
    expected = digest(disturbed.folder / ADAPTER)
    checkpoints = disturbed.folder / "results/checkpoints/llama_n24_r16_s42"
    with edited(disturbed.folder / "config/smoke.yaml", lambda text: text.replace("epochs: 1", "epochs: 200")):
        command = [Path(sys.executable).with_name("snakemake"), ADAPTER, "--cores", "1"]
        first = psutil.Popen(
            [*command, "--configfile", "config/smoke.yaml"],
            cwd=disturbed.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not list(checkpoints.glob("checkpoint-*/seal.json")):
                assert first.poll() is None
                time.sleep(0.05)
            job = at_work(first, "train.py")
            busy = unlock(disturbed)
            assert busy.returncode == 1
            assert f"snakemake (process {first.pid}, since " in busy.stdout
            second = disturbed.snakemake(ADAPTER, "--cores", "1")
            assert second.returncode != 0 and "cannot be locked" in second.stdout

            first.kill()  # and not what it started
            first.wait(60)
            left = unlock(disturbed)
            assert left.returncode == 1
            assert f"the job scripts/train.py (process {job.pid}, since " in left.stdout
            assert "make unlock END=1" in left.stdout and "snakemake (process" not in left.stdout
            shutil.rmtree(disturbed.folder / ".snakemake/locks")  # as `snakemake --unlock` does
            beside = disturbed.snakemake(ADAPTER, "--cores", "1")
            assert beside.returncode != 0 and "another process still does this job" in beside.stdout
            assert "Traceback" not in beside.stdout
            assert job.is_running() and job.status() != psutil.STATUS_ZOMBIE

            ended = unlock(disturbed, "--end")
            assert ended.returncode == 0 and f"process {job.pid}" in ended.stdout
            assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE
        finally:
            unlock(disturbed, "--end")
    assert unlock(disturbed).stdout == ""
    made_again(disturbed, ADAPTER)
    assert digest(disturbed.folder / ADAPTER) == expected


def test_killed_in_conversion(disturbed: Copy):
    target = "results/gguf/llama-f16.gguf"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    disturbed.kill_when(target, lambda root: at_work(root, "tatara.llama.converter"))
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
