"""What the programs of this folder share: an undisturbed run of the smoke configuration, copies of it, and runs that are compared with it."""

import argparse
import contextlib
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "scripts")]

from conftest import Copy  # noqa: E402
from trees import differing, tree  # noqa: E402


def command() -> list[str]:
    """Return the README's command for the smoke configuration, in this environment."""
    return ["make", "run", "CONFIG=config/smoke.yaml", "DIRECTORY=.", "CORES=2", "GPUS=2", f"VENV={sys.prefix}"]


def start(folder: Path, log: Path) -> subprocess.Popen:
    """Start the run in a process group of its own, its output in `log`."""
    with log.open("w") as output:
        return subprocess.Popen(command(), cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def run(folder: Path, log: Path) -> tuple[int, str]:
    """Run to the end; return the exit status and what was said."""
    status = start(folder, log).wait()
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

    def remove(self, folder: Path, names: list[str]) -> None:
        """Remove results (globs below results/) from a copy, and all that is made from them, so that their rules run again.

        What is made from them says Snakemake: files that nothing asks for are not missed.
        """
        found = [str(path.relative_to(folder)) for name in names for path in (folder / "results").glob(name)]
        assert found, f"no results/{names}"
        planned = ["snakemake", "all", "--configfile", "config/smoke.yaml", "--dry-run", "--forcerun", *found]
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        said = subprocess.run(planned, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
        outputs = {name for line in re.findall(r"^    output: (.*)$", said, re.MULTILINE) for name in line.split(", ")}
        assert outputs >= set(found), said
        for name in outputs:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextlib.contextmanager
def undisturbed(folder: Path | None) -> Iterator[Undisturbed]:
    """Yield an undisturbed run: the one in `folder`, which is made where there is none, or else a temporary one."""
    with tempfile.TemporaryDirectory() as scratch:
        where = folder or Path(scratch, "undisturbed")
        if (where / "results/report.html").is_file():
            yield Undisturbed(where, None)
            return
        where.mkdir(parents=True, exist_ok=True)
        Copy(where)
        began = time.monotonic()
        status, said = run(where, where.with_name(where.name + ".log"))
        if status:
            sys.exit(said[-4000:])
        seconds = time.monotonic() - began
        print(f"undisturbed: {seconds:.0f} s, {len(tree(where / 'results'))} files are compared", flush=True)
        yield Undisturbed(where, seconds)


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
        print(f"{'ok ' if good else 'BAD'} {' | '.join(map(str, values))}" + ("" if good else f"\n{said[-3000:]}"), flush=True)

    def end(self) -> int:
        """Say how many went well; return the exit status."""
        print(f"{self.rows} cases, {self.rows - self.bad} as they should be; {self.path}")
        return 1 if self.bad else 0


def again(made: Undisturbed, folder: Path, log: Path) -> tuple[bool, int, list[str], str]:
    """Run once more, with the trouble gone: whether it ended well and equal to the undisturbed run, its status, what differs, what was said."""
    status, said = run(folder, log)
    different = differing(made.results, folder / "results")
    return not status and not different, status, different, said


def parser(text: str, output: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every program of this folder has."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--undisturbed", type=Path, metavar="FOLDER", help="an undisturbed run to compare with; made there where there is none")
    made.add_argument("--output", type=Path, default=Path(output), help="the table to write (%(default)s)")
    return made


def needs_root(what: str) -> None:
    """End with a clear word where this user may not do what the program needs."""
    if os.geteuid():
        sys.exit(f"{what} needs root: run it with sudo, or in a user namespace: unshare -rm python …")
