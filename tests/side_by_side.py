"""Run all tests in three processes side by side: whole pipelines, real servers and real models, and all others.

Usage: python tests/side_by_side.py [OPTION …]    # `make test`; options are pytest's

Much of the time passes on one core or in waiting for a server, so three keep two cores busy. They share one finished
smoke run (conftest.finished). What the others say is shown when the process of this terminal has ended.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = "TATARA_TEST_SHARED"  # names the folder that the processes share
BESIDE = {
    "pipeline and not (services or gpu)": ["--finished-first"],
    "(services or models and not pipeline) and not gpu": [],
}
REST = " and ".join(f"not ({kind})" for kind in BESIDE)
NOTHING_TO_TEST = 5  # pytest's status where no test is of the kind asked for


def main(options: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "--durations=20", *options]
    with tempfile.TemporaryDirectory(prefix="tatara-tests-") as shared, contextlib.ExitStack() as files:
        environment = {**os.environ, SHARED: shared}
        logs = [files.enter_context(Path(shared, f"beside-{number}.log").open("w+")) for number in range(len(BESIDE))]
        processes = [
            subprocess.Popen(
                [*command, "-m", kind, *further, "-p", "no:cacheprovider"],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            for (kind, further), log in zip(BESIDE.items(), logs, strict=True)
        ]
        try:
            statuses = [subprocess.run([*command, "-m", REST], env=environment).returncode]
            statuses += [process.wait() for process in processes]
        finally:
            for kind, process, log in zip(BESIDE, processes, logs, strict=True):
                process.kill()
                log.seek(0)
                print(f"\n==== beside it: -m '{kind}' ====\n{log.read()}", flush=True)
    return next((status for status in statuses if status not in (0, NOTHING_TO_TEST)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
