"""Bring every mistake of tests/support/bad_inputs.py to the real pipeline: it has to be refused with its word before
anything is trained.

Usage: python tests/faults/inputs.py [--output inputs.csv] [MISTAKE …]
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import support_path  # noqa: F401
from bad_inputs import CASES
from campaign import Copy, Table, run

# Rules that work on models; none may have begun.
LATE = re.compile(
    r"^(?:local)?rule (base_\w+|package|train_\w+|merge|convert|quantize|answers_\w+|nll_\w+|imatrix|ladder|parity):$",
    re.MULTILINE,
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--output", type=Path, default=Path("inputs.csv"), help="the table to write (%(default)s)")
    options.add_argument("cases", nargs="*", metavar="MISTAKE", help="only these (all)")
    arguments = options.parse_args()
    table = Table(arguments.output, "mistake", "place", "status", "said", "models_begun")
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(case for case in CASES if case.name in (arguments.cases or [case.name])):
            copy = Copy(Path(scratch, str(number)))
            case.make(copy.folder)
            status, said = run(copy.folder, Path(scratch, "log"), variables=case.environment)
            missed = [part for part in case.expected if not re.search(part, said)]
            late = sorted(set(LATE.findall(said)))
            good = bool(status) and not missed and not late and "Traceback" not in said
            table.add(
                good,
                case.name,
                ", ".join([case.file or "", *case.environment]).strip(", "),
                status,
                not missed,
                " ".join(late),
                said=said,
            )
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
