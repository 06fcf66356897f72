"""Pack what is needed to check a study without its weights.

Usage: python scripts/bundle.py FOLDER/results BUNDLE.tar.gz   (`make bundle`)
"""

import argparse
import sys
from pathlib import Path

from tatara.bundle import make_bundle
from tatara.errors import InputError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, help="the study's results folder")
    parser.add_argument("bundle", type=Path, help="the archive to write")
    arguments = parser.parse_args()
    try:
        files = make_bundle(arguments.results, arguments.bundle)
    except InputError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.bundle}: {files} files, {arguments.bundle.stat().st_size / 1e6:.1f} MB; check with: sha256sum --check results/bundle.sha256")
    return 0


if __name__ == "__main__":
    sys.exit(main())
