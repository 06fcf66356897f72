"""Check a configuration, before Snakemake reads it: each mistake with file, line and remedy.

Usage: python tools/check_config.py [CONFIG …] [--folder FOLDER]
(the default is config/config.yaml; keys of a later file win)

Snakemake parses the files of its option --configfile itself, before the Snakefile can say anything. A file that is no
YAML it refuses without file and line, so `make` asks here first. `make` also names the folder that a study goes to by
its file's name: one that holds the study of another file of that name is refused.
"""

import argparse
import os
import sys
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.files.config import read_config
from tatara.job.digests import REPOSITORY
from tatara.job.errors import InputError

STUDY = ".study"  # in a study's folder, beside its results, which may go elsewhere: which file it is of


def claim(folder: Path, config: Path) -> None:
    """Note that a folder is that of a study file. The repository's own is the default study's, and needs no note.

    Raises:
        InputError: it holds the study of another file.
    """
    if folder.resolve() == Path(REPOSITORY).resolve():
        return
    name = os.path.relpath(config.resolve(), REPOSITORY) if config.resolve().is_relative_to(REPOSITORY) else None
    name, record = name or str(config.resolve()), folder / STUDY
    owner = record.read_text(encoding="utf-8").strip() if record.is_file() else name
    if owner != name:
        raise InputError(
            f"{folder} holds the study of {owner}, and {name} would write into it, since a folder is named "
            "after its study file: rename one of the two files, or run this one by snakemake --directory FOLDER. "
            f"Where {owner} was moved here, remove {record}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(f"{name}\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="*", metavar="CONFIG", help="study files (config/config.yaml)")
    parser.add_argument("--folder", type=Path, help="folder of the study, whose results/ must be of this file alone")
    arguments = parser.parse_args()
    files = arguments.configs or [REPOSITORY / "config" / "config.yaml"]
    try:
        read_config(files, REPOSITORY)
        if arguments.folder:
            claim(arguments.folder, files[0])
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
