"""Check a configuration, before Snakemake reads it: each mistake with file, line and remedy.

Usage: python tools/check_config.py [CONFIG …]   (the default is config/config.yaml; keys of a later file win)

Snakemake parses the files of its option --configfile itself, before the Snakefile can say anything. A file that is no
YAML it refuses without file and line, so `make` asks here first.
"""

import argparse
import sys
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.files.config import read_config
from tatara.job.digests import REPOSITORY
from tatara.job.errors import InputError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="*", metavar="CONFIG", help="study files (config/config.yaml)")
    files = parser.parse_args().configs or [REPOSITORY / "config" / "config.yaml"]
    try:
        read_config(files, REPOSITORY)
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
