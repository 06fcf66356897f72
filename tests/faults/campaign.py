"""What the programs of this folder share: an undisturbed run of the smoke configuration, copies of it, and runs that
are compared with it.
"""

import argparse
import contextlib
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import support_path  # noqa: F401
from finished_files import differing, tree
from mounts import missing
from pipeline_copy import Copy, at_work, kill  # noqa: F401


def command(*targets: str) -> list[str]:
    """Return the README's command for the smoke configuration, in this environment; with targets, files of it, the one
    that makes these alone.
    """
    if targets:
        program = Path(sys.prefix, "bin/snakemake")
        return [str(program), *targets, "--configfile", "config/smoke.yaml", "--cores", "2", "--resources", "gpu=2"]
    return ["make", "run", "CONFIG=config/smoke.yaml", "DIRECTORY=.", "CORES=2", "GPUS=2", f"VENV={sys.prefix}"]


def start(
    folder: Path, log: Path, *targets: str, before: tuple[str, ...] = (), variables: dict[str, str] | None = None
) -> subprocess.Popen:
    """Start the run, or targets of it, in a process group of its own, its output in `log`.

    Args:
        before: stands before the command.
        variables: of the environment, further ones.
    """
    environment = (
        os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | (variables or {})
    )
    with log.open("w") as output:
        return subprocess.Popen(
            [*before, *command(*targets)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(folder: Path, log: Path, *targets: str, **how) -> tuple[int, str]:
    """Run to the end, as `start` does; return the exit status and what was said."""
    status = start(folder, log, *targets, **how).wait()
    return status, log.read_text(errors="replace")


@dataclass(frozen=True)
class Undisturbed:
    """A copy of the repository in which the study ran to its end.

    Attributes:
        seconds: how long that took, None where it had been made before.
    """

    folder: Path
    seconds: float | None

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def copy(self, folder: Path) -> Path:
        """Copy it whole, with Snakemake's records and the times of its files."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return folder

    def remove(self, folder: Path, names: list[str]) -> str:
        """Remove results (globs below results/) from a copy; return the first, a target for which they have to be made
        again.
        """
        found = [path for name in names for path in sorted((folder / "results").glob(name))]
        assert found, f"no results/{names}"
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return str(found[0].relative_to(folder))

    def spoilt(self, folder: Path) -> list[str]:
        """Return results of a failed run that are there and not what they should be: what could be taken for whole."""
        first, second = tree(self.results), tree(folder / "results")
        return sorted(name for name in second if name in first and first[name] != second[name])


@contextlib.contextmanager
def undisturbed(folder: Path | None) -> Iterator[Undisturbed]:
    """Yield an undisturbed run of the repository as it is: in `folder`, where one of before is brought up to date, or
    else in a temporary one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        where = folder or Path(scratch, "undisturbed")
        new = not (where / "results").exists()
        where.mkdir(parents=True, exist_ok=True)
        Copy(where)
        began = time.monotonic()
        status, said = run(where, where.with_name(where.name + ".log"))
        if status:
            sys.exit(said[-4000:])
        seconds = time.monotonic() - began
        print(f"undisturbed: {seconds:.0f} s, {len(tree(where / 'results'))} files are compared", flush=True)
        yield Undisturbed(where, seconds if new else None)


class Table:
    """A CSV of what happened; `ok` counts what went as it should, and a line says what did not."""

    def __init__(self, path: Path, *columns: str):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows, self.bad = path, 0, 0
        self.file = path.open("w", newline="", encoding="utf-8")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(columns)

    def add(self, good: bool, *values, said: str = "") -> None:
        self.rows += 1
        self.bad += not good
        self.writer.writerow(values)
        self.file.flush()
        print(
            f"{'ok ' if good else 'BAD'} {' | '.join(map(str, values))}" + ("" if good else f"\n{said[-3000:]}"),
            flush=True,
        )

    def end(self) -> int:
        """Say how many went well; return the exit status."""
        print(f"{self.rows} cases, {self.rows - self.bad} as they should be; {self.path}")
        return 1 if self.bad else 0


def again(made: Undisturbed, folder: Path, log: Path, *targets: str) -> tuple[bool, int, list[str], str]:
    """Run once more, with the trouble gone: whether it ended well and equal to the undisturbed run, its status, what
    differs, what was said.

    Args:
        targets: all that has to be made again; the whole study where none is named. A run of the whole study makes
            again what is made from them too, minutes for each fault, although it is the same.
    """
    status, said = run(folder, log, *targets)
    different = differing(made.results, folder / "results")
    return not status and not different, status, different, said


def parser(text: str, output: str, cases: Iterable[str] = ()) -> argparse.ArgumentParser:
    """Return a parser with the options that every program of this folder has, and the choice of cases where it has
    names for them.
    """
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "--undisturbed",
        type=Path,
        metavar="FOLDER",
        help="an undisturbed run to compare with; made there, or brought up to date",
    )
    made.add_argument("--output", type=Path, default=Path(output), help="the table to write (%(default)s)")
    if cases:
        made.add_argument("cases", nargs="*", metavar="CASE", help=f"only some of: {', '.join(cases)} (all)")
    return made


def chosen(arguments: argparse.Namespace, cases: Iterable[str]) -> list[str]:
    """Return the cases that were asked for; all where none was named."""
    if unknown := set(arguments.cases) - set(cases):
        sys.exit(f"no case {', '.join(sorted(unknown))}; there are {', '.join(cases)}")
    return arguments.cases or list(cases)


def needs_mounts() -> None:
    """End with a clear word where this user may not mount."""
    if reason := missing():
        sys.exit(f"{reason}. Nothing was tested")
