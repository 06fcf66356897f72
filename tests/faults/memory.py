"""Take memory away from training, give it back, run again, and compare with an undisturbed run. Needs root (control
groups) for the first two.

Usage: python tests/faults/memory.py [--undisturbed FOLDER] [--output memory.csv]

Twice Snakemake and its job run in a control group with less memory than a training takes: the kernel kills the
training, and only Snakemake is left to say so. Once the training may take no more address space after its first
checkpoint: it fails by itself, and the next run goes on from there.
"""

import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

import psutil
from campaign import Table, again, at_work, kill, parser, run, start, undisturbed

RUN = "llama_n24_r16_s42"
# MiB; with 800 a training of the smoke run passed: libraries that another process holds in memory are not counted.
LIMITS = (400, 600)
WORD = "out of memory"


def group() -> tuple[Path, str]:
    """Make a control group for memory inside this process's own; return it and the name of its limit."""
    old = Path("/sys/fs/cgroup/memory")
    own = re.search(
        r"^\d+:memory:(.*)$" if old.is_dir() else r"^0::(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE
    )
    limit = "memory.limit_in_bytes" if old.is_dir() else "memory.max"
    place = (old if old.is_dir() else old.parent) / (own[1] if own else "").lstrip("/") / f"tatara-fault-{os.getpid()}"
    try:
        place.mkdir()
        if not (place / limit).exists():
            place.rmdir()
            raise FileNotFoundError(f"{place} would have no {limit}")
    except OSError as error:
        sys.exit(
            f"no control group for memory can be made here ({error}). Nothing was tested: run it as root, where "
            "cgroups are writable"
        )
    return place, limit


def killed(folder: Path, log: Path, target: str, mib: int) -> tuple[int, str]:
    """Run a target in a control group of so much memory."""
    place, limit = group()
    try:
        (place / limit).write_text(str(mib * 2**20))
        return run(folder, log, target, before=("sh", "-c", f'echo $$ > {place}/cgroup.procs && exec "$@"', "sh"))
    finally:
        place.rmdir()


def starved(folder: Path, log: Path, target: str) -> tuple[int, str]:
    """Run a target; from its first checkpoint on the training may take no more address space than it has."""
    process = start(folder, log, target)
    try:
        while not list((folder / "results/checkpoints" / RUN).glob("checkpoint-*/seal.json")):
            assert process.poll() is None, "it ended before its first checkpoint"
            time.sleep(0.02)
        training = at_work(psutil.Process(process.pid), "train.py")
        assert training, "it ended after its first checkpoint"
        training.rlimit(resource.RLIMIT_AS, (2**20, 2**20))
        status = process.wait()
    finally:
        if process.poll() is None:
            kill(process)
    return status, log.read_text(errors="replace")


def main() -> int:
    arguments = parser(__doc__, "memory.csv").parse_args()
    table = Table(arguments.output, "how", "status", "said", "goes_on_from_checkpoint", "second_run", "different_files")
    hows = {f"control group of {mib} MiB": lambda *given, mib=mib: killed(*given, mib) for mib in LIMITS}
    with undisturbed(arguments.undisturbed) as made, tempfile.TemporaryDirectory() as scratch:
        for number, (how, disturb) in enumerate({**hows, "no more address space after a checkpoint": starved}.items()):
            folder, log = made.copy(Path(scratch, f"study-{number}")), Path(scratch, "log")
            target = made.remove(folder, [f"adapters/{RUN}/*"])
            status, said = disturb(folder, log, target)
            told = WORD in said
            good, second, different, said_again = again(made, folder, log, target)
            went_on = "goes on from checkpoint-" in said_again
            table.add(
                bool(status) and told and good and (went_on or disturb is not starved),
                how,
                status,
                WORD if told else "nothing",
                went_on,
                second,
                " ".join(different),
                said=said[-6000:] + said_again[-500:],
            )
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
