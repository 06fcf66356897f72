"""Take up results that were made on another machine: nothing is made again, if they are of this configuration, these inputs and this code.

python scripts/take_up.py FOLDER CONFIG [--target FILE]   # `make take-up`
python scripts/take_up.py FOLDER --records                # .snakemake came along: what differs is made again, and nothing else
python scripts/take_up.py FOLDER --check                  # fail where Snakemake would make all of them again
"""

import argparse
import sys
from pathlib import Path

from tatara import moved
from tatara.errors import InputError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the study's folder, which holds results/")
    parser.add_argument("config", type=Path, nargs="?", default=Path("config/config.yaml"), help="the study's configuration (%(default)s)")
    parser.add_argument("--target", default="all", help="what has to be there (%(default)s)")
    parser.add_argument("--records", action="store_true", help="go by Snakemake's own records")
    parser.add_argument("--check", action="store_true", help="only say whether results were made elsewhere")
    given = parser.parse_args()
    folder = given.folder.resolve()
    try:
        if given.check:
            moved.check(folder)
        elif given.records:
            moved.take_up_by_records(folder)
        else:
            moved.take_up(folder, given.config.resolve(), given.target)
    except InputError as error:
        print(f"take-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
