"""Make a folder ready for a run after a killed one: name what still works there, and remove the lock that was left.

Usage: python tools/unlock.py FOLDER          # part of `make run`
       python tools/unlock.py FOLDER --end    # `make unlock END=1`: end what still works there

`kill -9` of Snakemake leaves its lock behind and its jobs at work. Two jobs that train in one checkpoint folder spoil
each other's work, so the lock is removed only when nothing works in the folder any more. Jobs on other machines cannot
be seen from here.
"""

import argparse
import contextlib
import datetime
import shutil
import sys
from pathlib import Path

import psutil
from tatara_path import REPOSITORY

SNAKEMAKE = "snakemake"
WAIT_SECONDS = 10.0  # between asking a process to end and ending it by force


def work_of(command: list[str]) -> str | None:
    """Return what a command line of this pipeline works at, None for a command of something else."""
    program, *arguments = map(Path, command[:3])
    if program.name.startswith("llama-"):
        return program.name
    for part in arguments if program.name.startswith("python") else []:
        if part.name == SNAKEMAKE:
            return SNAKEMAKE
        if part.parts[-3:-1] == (".snakemake", "scripts"):
            return f"the job scripts/{part.name.split('.', 1)[-1]}"  # run as a copy, tmpab12.train.py
        if part.is_relative_to(REPOSITORY / "scripts"):
            return part.name
    return None


def working(folder: Path) -> list[tuple[psutil.Process, str]]:
    """Return the processes of this pipeline that work in a folder, with what they work at; Snakemake itself first."""
    place, processes = str(folder.resolve()), []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == place and process.info["cmdline"] and (work := work_of(process.info["cmdline"])):
            processes.append((process, work))
    return sorted(processes, key=lambda entry: entry[1] != SNAKEMAKE)


def line_of(process: psutil.Process, work: str) -> str:
    """Return a line about a process: what it works at, its id, and since when."""
    since = datetime.datetime.fromtimestamp(process.create_time()).strftime("%Y-%m-%d %H:%M:%S")
    return f"{work} (process {process.pid}, since {since})"


def end(processes: list[psutil.Process]) -> None:
    """End processes and what they started: ask first, and use force after ten seconds."""
    family = set(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family |= set(process.children(recursive=True))
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(family, WAIT_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, WAIT_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder that snakemake works in")
    parser.add_argument("--end", action="store_true", help="end what still works there")
    arguments = parser.parse_args()
    folder, locks = arguments.folder, arguments.folder / ".snakemake" / "locks"
    if processes := working(folder):
        lines = "\n  ".join(line_of(process, work) for process, work in processes)
        if not arguments.end:
            print(
                f"at work in {folder.resolve()}:\n  {lines}\nWait for it, or end it with `make unlock END=1` (and the "
                "same CONFIG), and try again; what is finished stays",
                file=sys.stderr,
            )
            return 1
        print(f"ended in {folder.resolve()}:\n  {lines}", file=sys.stderr)
        end([process for process, _ in processes])
    if locks.is_dir() and any(locks.iterdir()):
        print(
            f"{folder}: the run before was killed; its lock is removed, and the work goes on from there",
            file=sys.stderr,
        )
        shutil.rmtree(locks)
    return 0


if __name__ == "__main__":
    sys.exit(main())
