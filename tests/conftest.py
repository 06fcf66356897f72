"""Fixtures: one real run of the smoke configuration in a copy of the repository, and a tiny trained model for unit tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# The programs of this environment come first, as `make` has it.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}


class Copy:
    """A copy of the repository that a test may change and run."""

    def __init__(self, folder: Path):
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, check=True, text=True
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, folder / name)

    def command(self, *arguments: str, config: str = "config/smoke.yaml") -> list[str]:
        """Return the command line of snakemake; targets first, since options such as --resources take all that follows."""
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", config]

    def snakemake(self, *arguments: str, config: str = "config/smoke.yaml") -> subprocess.CompletedProcess:
        """Run snakemake and return its end with what it said, standard output and error together."""
        return subprocess.run(
            self.command(*arguments, config=config), cwd=self.folder, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return rule -> number of jobs that a dry run would do."""
        done = self.snakemake(*arguments, "--dry-run", "--cores", "2")
        assert done.returncode == 0, done.stdout
        if "Job stats:" not in done.stdout:
            return {}
        table = done.stdout.split("Job stats:")[1].split("total")[0].splitlines()[3:]
        return {line.split()[0]: int(line.split()[1]) for line in table if line.strip()}


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Copy:
    """A copy in which the smoke configuration has run whole, one GPU job at a time."""
    copy = Copy(tmp_path_factory.mktemp("smoke"))
    done = copy.snakemake("all", "--cores", "2", "--resources", "gpu=1")
    assert done.returncode == 0, done.stdout[-6000:]
    return copy


@pytest.fixture
def copy(tmp_path) -> Copy:
    """A fresh copy without results."""
    return Copy(tmp_path)
