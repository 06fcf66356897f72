"""Run all tests in two processes side by side: those of whole pipelines and of real models beside all others.

Usage: python tests/side_by_side.py [OPTION …]    # `make test`; options are pytest's

Each half takes about as long as the other, most of it on one core or waiting for a server. Both share one finished
smoke run (conftest.finished). What the process beside says is shown when the other one has ended.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = "TATARA_TEST_SHARED"  # names the folder that both processes share
BESIDE = "(pipeline or models) and not (services or gpu)"
NOTHING_TO_TEST = 5  # pytest's status where no test is of the kind asked for


def main(options: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", *options]
    with tempfile.TemporaryDirectory(prefix="tatara-tests-") as shared, Path(shared, "beside.log").open("w+") as log:
        environment = {**os.environ, SHARED: shared}
        beside = subprocess.Popen(
            [*command, "-m", BESIDE, "--finished-first", "-p", "no:cacheprovider"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            status = subprocess.run([*command, "-m", f"not ({BESIDE})"], env=environment).returncode
            beside.wait()
        finally:
            beside.kill()
            log.seek(0)
            print(f"\n==== beside it: -m '{BESIDE}' ====\n{log.read()}", flush=True)
        return next((code for code in (status, beside.returncode) if code not in (0, NOTHING_TO_TEST)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
