"""A copy of the repository that a test may change, run, and kill."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import offline
import psutil
import warm_snakemake

REPOSITORY = Path(__file__).resolve().parents[2]
# The programs of this environment come first, as `make` has it.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HF_HUB_OFFLINE": "1",
}


def kill(process: subprocess.Popen) -> None:
    """Kill a run with all that it started, without warning."""
    root = psutil.Process(process.pid)
    for victim in [*root.children(recursive=True), root]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    process.wait()


def at_work(root: psutil.Process, name: str) -> psutil.Process | None:
    """Return a process that `root` started, the script, module or program of that name, None where none works now."""
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            if any(part.endswith(name) for part in process.cmdline()[:3]):
                return process
    return None


# A locale without Japanese, as a user's may be; Python is kept from taking UTF-8 in its place.
FOREIGN_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@functools.cache
def repository_files() -> tuple[str, ...]:
    """Return the files that a commit of the working tree as it is would hold."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (REPOSITORY / name).is_file())


@contextlib.contextmanager
def edited(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Change a file's text for as long as the block lasts; its time comes back with its text."""
    content, times = path.read_bytes(), path.stat()
    text = path.read_text(encoding="utf-8")
    assert change(text) != text, path
    path.write_text(change(text), encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


class Copy:
    """A copy of the repository that a test may change and run."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in repository_files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)

    @classmethod
    def of(cls, folder: Path) -> "Copy":
        """Return a copy that is there already."""
        copy = cls.__new__(cls)
        copy.folder = folder
        return copy

    def copy_to(self, folder: Path) -> "Copy":
        """Copy it whole, with its results, Snakemake's records and the times of its files."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return self.of(folder)

    def command(self, *arguments: str, config: str = "config/smoke.yaml") -> list[str]:
        """Return the command line of snakemake; targets first, since options like --resources take all that follow."""
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", config]

    def snakemake(
        self, *arguments: str, config: str = "config/smoke.yaml", counters: Path | None = None
    ) -> subprocess.CompletedProcess:
        """Run snakemake and return its end with what it said, standard output and error together.

        Args:
            counters: where the counters of a network namespace go, in which it runs cut off (`offline`).
        """
        command, environment = self.command(*arguments, config=config), {**os.environ, **ENVIRONMENT}
        if not counters:
            return warm_snakemake.server().run(command[3:], self.folder, environment)
        return subprocess.run(
            offline.command(counters, command),
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def kill_when(self, target: str, condition: Callable[[psutil.Process], bool]) -> None:
        """Run snakemake for a target and kill it with all its children, without warning, as soon as `condition` holds
        (of snakemake's process).
        """
        process = subprocess.Popen(
            self.command(target, "--cores", "1"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        root = psutil.Process(process.pid)
        try:
            while not condition(root):
                assert process.poll() is None, "it ended before it could be killed"
                time.sleep(0.02)
        finally:
            kill(process)

    def planned(self, *arguments: str, config: str = "config/smoke.yaml") -> dict[str, int]:
        """Return rule -> number of jobs that a dry run would do."""
        done = self.snakemake(*arguments, "--dry-run", "--cores", "2", config=config)
        assert done.returncode == 0, done.stdout
        if "Job stats:" not in done.stdout:
            return {}
        table = done.stdout.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}
