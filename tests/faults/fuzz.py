"""Spoil a good file for every reader, over and over, for as long as it is told; print each failure and, at the end, the
counts.

Usage: python tests/faults/fuzz.py --minutes 60 [--seed 1] [--keep FOLDER]
"""

import argparse
import logging
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import support_path  # noqa: F401
from readers import READERS, spoil
from tatara.job.errors import InputError
from tqdm import tqdm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="how long (%(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the damage (%(default)d)")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that made a reader fail")
    arguments = parser.parse_args()
    logging.getLogger("tatara").setLevel(logging.ERROR)  # each spoilt checkpoint is worth a warning
    generator = random.Random(arguments.seed)
    counts, failures, seen = Counter(), 0, set()
    end = time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder, tqdm(unit=" inputs", mininterval=10) as progress:
        while time.monotonic() < end:
            name = generator.choice(list(READERS))
            reader = READERS[name]
            data = reader.good
            for _ in range(generator.choice((1, 1, 1, 2, 3))):
                data = spoil(data, generator.randrange(2**30), generator.randrange(6), generator.randrange(256))
            path = Path(folder, f"file{reader.suffix}")
            path.write_bytes(data)
            try:
                reader.read(path)
                counts[name, "read"] += 1
            except InputError:
                counts[name, "refused"] += 1
            except Exception as error:
                failures += 1
                place = (name, type(error).__name__, traceback.extract_tb(error.__traceback__)[-1].lineno)
                if place not in seen:
                    seen.add(place)
                    tqdm.write(f"{name}: {data!r}\n{traceback.format_exc()}")
                    if arguments.keep:
                        arguments.keep.mkdir(parents=True, exist_ok=True)
                        (arguments.keep / f"{len(seen)}-{name.replace(' ', '_')}{reader.suffix}").write_bytes(data)
            progress.update()
    total = sum(counts.values()) + failures
    for name in READERS:
        print(f"{name}: {counts[name, 'read']:,} read, {counts[name, 'refused']:,} refused")
    print(
        f"seed {arguments.seed}: {total:,} inputs in {arguments.minutes:g} minutes, {failures} failures in "
        f"{len(seen)} places"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
