"""Kill the smoke run at random moments, all of it at once, run it again, and compare what it made with an undisturbed run's, file by file.

Usage: python tests/faults/kill.py --kills 20 [--seed 1] [--output kills.csv]

Each line of the output: moment of the kill in seconds, jobs that were done by then, whether a lock was left and `make run` said so, seconds
of the second run, files that differ. It ends with 1 when a second run failed or a file differs.
"""

import argparse
import contextlib
import csv
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "scripts")]

from conftest import Copy  # noqa: E402
from tqdm import tqdm  # noqa: E402
from trees import differing, tree  # noqa: E402


def command() -> list[str]:
    """Return the README's command for the smoke configuration, in this environment."""
    return ["make", "run", "CONFIG=config/smoke.yaml", "DIRECTORY=.", "CORES=2", "GPUS=2", f"VENV={sys.prefix}"]


def start(folder: Path, log: Path) -> subprocess.Popen:
    with log.open("w") as output:
        return subprocess.Popen(command(), cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def kill(process: subprocess.Popen) -> None:
    """Kill a run with all that it started, without warning."""
    root = psutil.Process(process.pid)
    for victim in [root, *root.children(recursive=True)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="how many (%(default)d)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (%(default)d)")
    parser.add_argument("--output", type=Path, default=Path("kills.csv"), help="the table to write (%(default)s)")
    arguments = parser.parse_args()
    generator = random.Random(arguments.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as scratch, arguments.output.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["seconds", "jobs_done", "lock_left", "second_run_seconds", "second_run", "different_files"])
        first = Copy(Path(scratch, "undisturbed"))
        began = time.monotonic()
        if start(first.folder, Path(scratch, "undisturbed.log")).wait():
            sys.exit(Path(scratch, "undisturbed.log").read_text()[-4000:])
        whole = time.monotonic() - began
        tqdm.write(f"undisturbed: {whole:.0f} s, {len(tree(first.folder / 'results'))} files are compared")
        for number in tqdm(range(arguments.kills), unit=" kills"):
            copy, log = Copy(Path(scratch, "killed")), Path(scratch, "killed.log")
            moment = generator.uniform(2, whole)
            process = start(copy.folder, log)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                kill(process)
            said = log.read_text(errors="replace")
            done = re.findall(r"(\d+) of \d+ steps", said)
            began = time.monotonic()
            status = start(copy.folder, log).wait()
            said = log.read_text(errors="replace")
            different = differing(first.folder / "results", copy.folder / "results")
            bad += bool(status or different)
            lock = "its lock is removed" in said
            table.writerow([f"{moment:.1f}", done[-1] if done else 0, lock, f"{time.monotonic() - began:.0f}", status, " ".join(different)])
            file.flush()
            if status or different:
                shutil.copytree(copy.folder, Path(f"kill-{number}"), symlinks=True)
                tqdm.write(f"kill {number} at {moment:.1f} s: status {status}, different: {different}; kept in kill-{number}\n{said[-2000:]}")
            shutil.rmtree(copy.folder)
    print(f"{arguments.kills} kills, {arguments.kills - bad} second runs whole and equal; {arguments.output}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
