"""A GPU of its own for each job; no GPU is needed here, since what a job gets is a name."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_copy import ENVIRONMENT, REPOSITORY
from tatara.job import gpus
from tatara.job.environment import CUDA_GRAPHS, check_environment
from tatara.job.errors import InputError

SNAKEFILE = """
rule all:
    input: expand("{n}.txt", n=range(6))

rule work:
    output: "{n}.txt"
    log: "{n}.log"
    resources: gpu=1
    script: "work.py"
"""
# A job marks the GPU that it is on, and ends once it has seen four at work; a GPU that is marked twice is an error.
SCRIPT = """
import os, time
from pathlib import Path
from tatara.job.run import job

with job(snakemake):
    device = os.environ["CUDA_VISIBLE_DEVICES"]
    Path(f"on-{device}").open("x").close()
    Path(f"came-{snakemake.wildcards.n}").touch()
    waited = 0
    while len(list(Path().glob("came-*"))) < 4:
        waited += 1
        assert waited < 1200, "four jobs were never at work at once"
        time.sleep(0.1)
    Path(f"on-{device}").unlink()
    Path(snakemake.output[0]).write_text(device)
"""
HOLD = """
import time
from tatara.job.gpus import own

with own(1) as held:
    print(*held, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def environment(tmp_path, monkeypatch) -> dict[str, str]:
    """Four GPUs by name, locks in a folder of the test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    return {
        **ENVIRONMENT,
        "CUDA_VISIBLE_DEVICES": "0,1,2,3",
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONPATH": str(REPOSITORY / "scripts"),
    }


def test_jobs_at_once_have_a_gpu_each(environment, tmp_path):
    """Six jobs that Snakemake starts at once on four GPUs: four work at the same time, and none shares its GPU."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "work.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "snakemake", "--cores", "6", "--resources", "gpu=6"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert {(tmp_path / f"{n}.txt").read_text() for n in range(6)} == {"0", "1", "2", "3"}


def test_jobs_share_gpus_where_they_may_and_spread_over_them(environment, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv(gpus.JOBS_PER_GPU, "2")
    environment |= {"CUDA_VISIBLE_DEVICES": "0,1", gpus.JOBS_PER_GPU: "2"}
    with contextlib.ExitStack() as jobs:
        held = []
        for _ in range(3):
            job = jobs.enter_context(
                subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=-1, text=True)
            )
            jobs.callback(job.kill)
            held.append(job.stdout.readline().strip())
        with gpus.own(1) as last:
            assert (held, last) == (["0", "1", "0"], ["1"])
    with pytest.raises(InputError, match=r"TATARA_JOBS_PER_GPU is 'two': expected a whole number"):
        monkeypatch.setenv(gpus.JOBS_PER_GPU, "two")
        gpus.jobs_per_gpu()


def test_a_killed_job_frees_its_gpu(environment):
    first = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "0\n"
        with gpus.own(3) as held:
            assert held == ["1", "2", "3"]
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "1,2,3"
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    os.environ["CUDA_VISIBLE_DEVICES"] = "0,1,2,3"
    with gpus.own(4) as held:
        assert held == ["0", "1", "2", "3"]


def test_the_gpu_that_a_scheduler_gave_is_kept(environment, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with gpus.own(1):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert not gpus.lock_folder().exists()


def test_a_job_without_a_gpu_sees_none(environment):
    with gpus.own(0):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_every_rule_with_a_gpu_has_a_script_that_takes_one():
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "rules").glob("*.smk")))
    scripts = {
        re.search(r'"\.\./(scripts/\w+\.py)"', block)[1]
        for block in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
        if re.search(r"^\s+gpu=1", block, re.MULTILINE)
    }
    assert len(scripts) >= 8
    assert [
        name
        for name in sorted(scripts)
        if "with job(snakemake" not in Path(REPOSITORY, name).read_text(encoding="utf-8")
    ] == []


@pytest.mark.parametrize(("given", "disabled"), [(None, "1"), ("0", "1"), ("1", None)])
def test_llama_cpp_gets_no_cuda_graphs_unless_they_are_asked_for(monkeypatch, given, disabled):
    for name, value in {"GGML_CUDA_DISABLE_GRAPHS": None, "PYTHONUTF8": "1", CUDA_GRAPHS: given}.items():
        monkeypatch.setenv(name, value or "")  # so that what the test leaves is taken back
        if value is None:
            monkeypatch.delenv(name)
    check_environment(jobs_run_here=False)
    assert os.environ.get("GGML_CUDA_DISABLE_GRAPHS") == disabled
