"""Take up results that were made on another machine: nothing is made again, if they are of this configuration, these
inputs and this code.

python tools/take_up.py FOLDER CONFIG [--target FILE]   # `make take-up`
python tools/take_up.py FOLDER --records                # .snakemake came along: what differs is made again, and nothing
else
python tools/take_up.py FOLDER --check                  # fail where Snakemake would make all of them again
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.files.config import read_config
from tatara.job import seals
from tatara.job.digests import REPOSITORY, pipeline_digest
from tatara.job.errors import InputError
from tatara.measure.results import read_json
from tatara.report.provenance import differences

REMEDY = (
    "Mend that; or bring the folder .snakemake along and `make take-up RECORDS=1`: then `make run` makes again what "
    "differs, and nothing else"
)


def _has_records(folder: Path) -> bool:
    records = folder / ".snakemake" / "metadata"
    return records.is_dir() and any(records.iterdir())


def check(folder: Path) -> None:
    """Check that the results in a study's folder are known to Snakemake.

    Raises:
        InputError: there are results of a whole study and no records of them, so Snakemake would make them all again.
    """
    if (folder / "results" / "provenance.json").is_file() and not _has_records(folder):
        raise InputError(
            f"{folder}/results was made elsewhere and would be made again: `make take-up` keeps it, `make clean` "
            "removes it"
        )


def _same_time(results: Path) -> None:
    """Give every file and folder of the results one time, now: none is newer than another, and none older than the
    code.

    A base model's weights may be hard links to files of the user's, whose times are not ours.
    """
    now = time.time_ns()
    for path in results.rglob("*"):
        if path.is_dir() or path.stat(follow_symlinks=False).st_nlink == 1:
            os.utime(path, ns=(now, now), follow_symlinks=False)


def _snakemake(folder: Path, config: Path, target: str, *options: str) -> str:
    command = [
        sys.executable,
        "-m",
        "snakemake",
        target,
        "--configfile",
        str(config),
        "--directory",
        str(folder),
        "--cores",
        "1",
        *options,
    ]
    done = subprocess.run(
        command, cwd=REPOSITORY, encoding="utf-8", errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise InputError(f"snakemake failed:\n{done.stdout[-3000:]}")
    return done.stdout


def take_up_by_records(folder: Path) -> None:
    """Take up results with which Snakemake's records came along: times are made not to matter, the rest is Snakemake's
    to compare.

    Raises:
        InputError: no records came along.
    """
    if not _has_records(folder):
        raise InputError(
            f"{folder}/.snakemake/metadata holds no records: copy the whole folder .snakemake from where the results "
            "are from"
        )
    _same_time(folder / "results")


def take_up(folder: Path, config_file: Path, target: str) -> None:
    """Take up results that came alone, if they are of this configuration, these inputs and this code, and whole.

    Args:
        folder: the study's folder, which holds results/.
        config_file: the study's configuration.
        target: what has to be there, `all` or a file.

    Raises:
        InputError: they are not, or a file was damaged on the way; each difference is named.
    """
    config = read_config([config_file], REPOSITORY)
    results = folder / "results"
    found = differences(read_json(results / "provenance.json"), config, pipeline_digest(), REPOSITORY)
    with contextlib.chdir(folder):
        seals.check(seals.sealed())
    if not found:
        # At one time, and without records, what is left to Snakemake is whether a file is missing.
        _same_time(results)
        said = _snakemake(folder, config_file, target, "--dry-run", "--rerun-triggers", "params")
        if "Nothing to be done" not in said:
            jobs = said.split("Job stats:")[1].split("Reasons:")[0].strip()
            found = [f"files are missing, and Snakemake would have to run:\n{jobs}"]
    if found:
        raise InputError(f"{results} cannot be taken up as it is:\n  " + "\n  ".join(found) + f"\n{REMEDY}")
    _snakemake(folder, config_file, target, "--touch", "--forceall", "--quiet", "all")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the study's folder, which holds results/")
    parser.add_argument(
        "config",
        type=Path,
        nargs="?",
        default=Path("config/config.yaml"),
        help="the study's configuration (%(default)s)",
    )
    parser.add_argument("--target", default="all", help="what has to be there (%(default)s)")
    parser.add_argument("--records", action="store_true", help="go by Snakemake's own records")
    parser.add_argument("--check", action="store_true", help="only say whether results were made elsewhere")
    given = parser.parse_args()
    folder = given.folder.resolve()
    try:
        if given.check:
            check(folder)
        elif given.records:
            take_up_by_records(folder)
        else:
            take_up(folder, given.config.resolve(), given.target)
    except InputError as error:
        print(f"take-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
