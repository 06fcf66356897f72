"""Copy the accepted rows of a draft into the files of its domain, and set the study's sizes to fit them.

Usage: python tools/accept.py OUT [--all]
(`make accept OUT=domains/NAME [ALL=1]` calls it)

Only rows with the status `accepted` are taken; with --all every row that is not `rejected`, for a first pass without a
review. It can be called as often as rows change.
"""

import argparse
import sys
from pathlib import Path

import tatara_path
from tatara.draft.accept import accept
from tatara.job.errors import InputError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the domain, which holds draft/")
    parser.add_argument("--all", action="store_true", help="take every row that was not rejected")
    arguments = parser.parse_args()
    try:
        counts = accept(arguments.out, tatara_path.REPOSITORY, arguments.all)
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
