"""Remove the lock that a killed snakemake left in a folder, unless a snakemake still works there.

Usage: python tools/unlock.py FOLDER
"""

import argparse
import shutil
import sys
from pathlib import Path

import psutil


def working(folder: Path) -> list[int]:
    """Return the ids of snakemake processes that work in `folder`."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        command = process.info["cmdline"] or []
        if any(Path(part).name == "snakemake" for part in command[:3]) and process.info["cwd"] == str(folder.resolve()):
            found.append(process.info["pid"])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder that snakemake works in")
    folder = parser.parse_args().folder
    locks = folder / ".snakemake" / "locks"
    if not locks.is_dir() or not any(locks.iterdir()):
        return 0
    if running := working(folder):
        print(
            f"snakemake (process {running[0]}) is working in {folder}: wait for it, or end it, and try again",
            file=sys.stderr,
        )
        return 1
    print(f"{folder}: the run before was killed; its lock is removed, and the work goes on from there", file=sys.stderr)
    shutil.rmtree(locks)
    return 0


if __name__ == "__main__":
    sys.exit(main())
