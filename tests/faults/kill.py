"""Kill the smoke run at random moments, all of it at once, run it again, and compare what it made with an undisturbed
run's, file by file.

Usage: python tests/faults/kill.py --kills 20 [--seed 1] [--output kills.csv]

Each line of the output: moment of the kill in seconds, jobs that were done by then, whether a lock was left and `make
run` said so, seconds of the second run, files that differ. It ends with 1 when a second run failed or a file differs.
"""

import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from campaign import Copy, Table, again, kill, parser, start, undisturbed
from tqdm import tqdm


def main() -> int:
    options = parser(__doc__, "kills.csv")
    options.add_argument("--kills", type=int, default=20, help="how many (%(default)d)")
    options.add_argument("--seed", type=int, default=1, help="of the moments (%(default)d)")
    options.add_argument("--within", type=float, help="seconds that an undisturbed run takes, where it was made before")
    arguments = options.parse_args()
    generator = random.Random(arguments.seed)
    table = Table(
        arguments.output, "seconds", "jobs_done", "lock_left", "second_run_seconds", "second_run", "different_files"
    )
    with tempfile.TemporaryDirectory() as scratch, undisturbed(arguments.undisturbed) as made:
        whole = made.seconds or arguments.within
        if not whole:
            options.error("--undisturbed names a run that was made before: say --within SECONDS, how long it took")
        for number in tqdm(range(arguments.kills), unit=" kills"):
            copy, log = Copy(Path(scratch, "killed")), Path(scratch, "killed.log")
            moment = generator.uniform(2, whole)
            process = start(copy.folder, log)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                kill(process)
            done = re.findall(r"(\d+) of \d+ steps", log.read_text(errors="replace"))
            began = time.monotonic()
            good, status, different, said = again(made, copy.folder, log)
            lock = "its lock is removed" in said
            table.add(
                good,
                f"{moment:.1f}",
                done[-1] if done else 0,
                lock,
                f"{time.monotonic() - began:.0f}",
                status,
                " ".join(different),
                said=said,
            )
            if not good:
                shutil.copytree(copy.folder, Path(f"kill-{number}"), symlinks=True)
            shutil.rmtree(copy.folder)
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
