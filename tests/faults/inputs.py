"""Bring every mistake of tests/bad_inputs.py to the real pipeline: it has to be refused with its word before anything is trained.

Usage: python tests/faults/inputs.py [--output inputs.csv]
"""

import re
import sys
import tempfile
from pathlib import Path

import campaign
from bad_inputs import CASES
from campaign import Copy, Table, run

# Rules that work on models; none may have begun.
LATE = re.compile(r"^(?:local)?rule (base|train_\w+|merge|convert|quantize|answers_\w+|nll_\w+|imatrix|ladder\w*|parity):$", re.MULTILINE)


def main() -> int:
    options = campaign.parser(__doc__, "inputs.csv")
    arguments = options.parse_args()
    table = Table(arguments.output, "mistake", "file", "status", "said", "models_begun")
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(CASES):
            copy = Copy(Path(scratch, str(number)))
            case.make(copy.folder)
            status, said = run(copy.folder, Path(scratch, "log"))
            missed = [part for part in case.said if not re.search(part, said)]
            late = sorted(set(LATE.findall(said)))
            table.add(bool(status) and not missed and not late, case.name, case.file, status, not missed, " ".join(late), said=said)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
