"""The pipeline through a real Slurm on this host: the whole smoke configuration, GPUs that are not shared, and faults
in the middle.
"""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time

import pytest
import slurm_cluster
import yaml
from finished_files import differing
from pipeline_copy import ENVIRONMENT, FOREIGN_LOCALE, REPOSITORY, Copy
from test_resume import digest

pytestmark = pytest.mark.services

PROFILE = yaml.safe_load((REPOSITORY / "profiles/slurm/profile.yaml").read_text(encoding="utf-8"))
# No accounting database here, and a status asked for often: jobs of seconds need not wait for a minute. One thread a
# job: the node has two, and a local run without a profile, which this one is compared with, has one.
OPTIONS = (
    "--profile",
    "profiles/slurm",
    "--set-threads",
    *(f"{rule}=1" for rule in PROFILE["set-threads"]),
    "--slurm-no-account",
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "2",
    "--seconds-between-status-checks",
    "1",
)
ADAPTER = "results/adapters/llama_n24_r16_s42/adapter_model.safetensors"
WHOLE = ("results/tables/table3.csv", "results/quant/llama.json", "results/tables/harm.csv")
WAIT = 240  # seconds until something has happened that must happen
WHOLE_RUN = 1500  # seconds for a run of the smoke study, other tests beside it on two cores
# Jobs mark their GPU while they are on it: one that finds it marked fails.
SNAKEFILE = """
rule all:
    input: expand("{n}.txt", n=range(4))

rule work:
    output: "{n}.txt"
    resources: gpu=1
    script: "work.py"
"""
SCRIPT = """
import os, time
from pathlib import Path
from tatara.job.gpus import own

with own(snakemake.resources.gpu):
    device = os.environ["CUDA_VISIBLE_DEVICES"]
    Path(f"on-{device}").open("x").close()
    Path(f"came-{snakemake.wildcards.n}").touch()
    waited = 0
    while len(list(Path().glob("came-*"))) < int(os.environ["EXPECTED"]):
        waited += 1
        assert waited < 1200, "the jobs were never at work at once"
        time.sleep(0.1)
    time.sleep(1)
    Path(f"on-{device}").unlink()
    Path(snakemake.output[0]).write_text(device)
"""


@pytest.fixture
def start(tmp_path):
    """A function that starts a cluster with so many GPUs; it ends with the test."""
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    started = []

    def cluster(gpus: int = 2, environment: dict[str, str] = ENVIRONMENT) -> slurm_cluster.Cluster:
        started.append(slurm_cluster.Cluster(tmp_path / "slurm", gpus, environment=environment))
        started[-1].start()
        return started[-1]

    yield cluster
    for one in started:
        one.stop()


def submit(cluster: slurm_cluster.Cluster, copy: Copy, *arguments: str) -> subprocess.Popen:
    """Start a Snakemake that sends its jobs to the cluster; what it says goes to said.txt in the copy."""
    with (copy.folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            copy.command(*arguments, *OPTIONS),
            cwd=copy.folder,
            env=cluster.environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )


def finish(process: subprocess.Popen, copy: Copy) -> str:
    """Wait for a Snakemake to end well; return what it said."""
    status = process.wait(WHOLE_RUN)
    said = (copy.folder / "said.txt").read_text(encoding="utf-8", errors="replace")
    assert status == 0, said[-4000:]
    return said


def until(condition, process: subprocess.Popen) -> None:
    """Wait for something to happen while Snakemake is at work."""
    begun = time.monotonic()
    while not condition():
        assert process.poll() is None, "Snakemake ended before it happened"
        assert time.monotonic() - begun < WAIT, "it never happened"
        time.sleep(0.1)


def states(cluster: slurm_cluster.Cluster) -> list[str]:
    return [job["JobState"] for job in cluster.jobs().values()]


@pytest.mark.parametrize("name", ["smoke", "paper"])
def test_every_job_is_local_or_has_memory_and_time_in_the_profile(copy: Copy, name: str):
    settings = PROFILE["set-resources"]
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "rules").glob("*.smk")]
    listed = [
        match[1] for text in texts for match in re.finditer(r"^ *localrules:\n((?: +\w+,\n)+)", text, re.MULTILINE)
    ]
    local = set(re.findall(r"\w+", " ".join(listed)))
    planned = copy.planned("all", "--profile", "profiles/slurm", config=f"config/{name}.yaml").keys()
    assert {"train_scale", "answers_gguf", "merge"} <= planned
    assert not planned - local - settings.keys(), (
        "name these in profiles/slurm/profile.yaml, or where they take seconds as localrules"
    )
    assert not local & settings.keys()
    assert all("* attempt" in entry["mem_mb"] and "runtime" in entry for entry in settings.values())


def test_smoke_through_slurm_equals_a_local_run(start, finished: Copy, copy: Copy):
    """Two GPU jobs at once, and a locale that knows no Japanese: the second clean run of what lies before table 3, of a
    ladder and of harm, by a rule of each kind.
    """
    cluster = start(environment={**ENVIRONMENT, **FOREIGN_LOCALE})
    finish(submit(cluster, copy, *WHOLE), copy)
    assert set(states(cluster)) == {"COMPLETED"}
    assert len(states(cluster)) >= 20
    assert differing(copy.folder / "results", finished.folder / "results", part=True) == []
    assert "Nothing to be done" in copy.snakemake(*WHOLE, "--cores", "1").stdout


@pytest.mark.parametrize(("gpus", "together"), [(1, 1), (2, 2)])
def test_gpu_jobs_overlap_on_two_gpus_and_never_on_one(start, tmp_path, gpus: int, together: int):
    cluster = start(gpus)
    folder = tmp_path / "work"
    shutil.copytree(REPOSITORY / "profiles", folder / "profiles")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "work.py").write_text(SCRIPT)
    environment = {
        **cluster.environment,
        "EXPECTED": str(together),
        "PYTHONPATH": f"{REPOSITORY}/scripts:{cluster.environment.get('PYTHONPATH', '')}",
    }
    command = [sys.executable, "-m", "snakemake", *OPTIONS, "--retries", "0"]
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert {(folder / f"{n}.txt").read_text() for n in range(4)} == {str(device) for device in range(gpus)}


def test_a_cancelled_job_is_a_clear_failure_and_the_next_run_completes(start, disturbed: Copy):
    cluster = start()
    adapter = disturbed.folder / ADAPTER
    expected = digest(adapter)
    adapter.unlink()
    process = submit(cluster, disturbed, ADAPTER, "--retries", "0")
    until(lambda: states(cluster) == ["RUNNING"], process)
    cluster.run("scancel", *cluster.jobs())
    assert process.wait(WAIT) == 1
    said = (disturbed.folder / "said.txt").read_text()
    assert "SLURM status is: 'CANCELLED'" in said
    assert "results/logs/train_llama_n24_r16_s42.log" in said
    assert not adapter.exists()
    finish(submit(cluster, disturbed, ADAPTER), disturbed)
    assert digest(adapter) == expected


def test_a_job_over_its_memory_limit_gets_more_at_the_next_attempt(start, disturbed: Copy):
    cluster = start()
    target = "results/gguf/llama-f16.gguf"
    file = disturbed.folder / target
    expected = digest(file)
    file.unlink()
    said = finish(
        submit(cluster, disturbed, target, "--set-resources", "convert:mem_mb=150 if attempt == 1 else 8000"), disturbed
    )
    assert "Trying to restart job" in said
    assert sorted(states(cluster))[0] == "COMPLETED"
    assert sorted(states(cluster))[1:] in (["FAILED"], ["OUT_OF_MEMORY"])
    (kept,) = (disturbed.folder / ".snakemake/slurm_logs/rule_convert").rglob("*.log")
    assert "exceeded memory limit" in kept.read_text()
    assert digest(file) == expected


def given_back(cluster) -> bool:
    """Ask for the node back and say whether it is; one that was down may come back by itself, and then Slurm refuses to
    resume it.
    """
    with contextlib.suppress(subprocess.CalledProcessError):
        cluster.run("scontrol", "update", f"NodeName={slurm_cluster.NODE}", "State=RESUME")
    return (
        cluster.run("sinfo", "--noheader", "--format=%T")
        .strip()
        .rstrip("*")
        .startswith(("idle", "mixed", "allocated", "completing"))
    )


@pytest.mark.parametrize("state", ["DRAIN", "DOWN"])
def test_a_node_that_goes_is_waited_for(start, disturbed: Copy, state: str):
    """A drained node ends what it has and takes nothing new; a node that is down loses its job, which goes back into
    the queue.
    """
    cluster = start()
    target = "results/nll/llama_n24_r16_s42.json"
    expected = json.loads((disturbed.folder / target).read_text())
    (disturbed.folder / ADAPTER).unlink()
    (disturbed.folder / target).unlink()
    process = submit(cluster, disturbed, target)
    until(lambda: "RUNNING" in states(cluster), process)
    cluster.run("scontrol", "update", f"NodeName={slurm_cluster.NODE}", f"State={state}", "Reason=test")
    until(lambda: "PENDING" in states(cluster) and "RUNNING" not in states(cluster), process)
    until(lambda: given_back(cluster), process)
    finish(process, disturbed)
    assert set(states(cluster)) == {"COMPLETED"}
    assert len(states(cluster)) == 2
    assert json.loads((disturbed.folder / target).read_text()) == expected
