"""Run Snakemake's own linter, and fail on everything that it finds but one thing.

It asks for a conda environment or a container for each rule. The environment of all rules is the one that `make setup`
makes from the lock in envs/, with versions and hashes; a second description that nobody solves would drift from it.

Usage: python tools/lint_workflow.py
"""

import re
import subprocess
import sys

import tatara_path

ACCEPTED = "Specify a conda environment or container for each rule."
PLACE, LINT = re.compile(r"Lints for (.*):$"), re.compile(r"    \* (.*?):?$")


def problems(text: str) -> list[str]:
    """Return what the linter finds beside the accepted lint, `place: title`.

    Args:
        text: what `snakemake --lint` prints: a line for each place, below it the titles of its lints and their texts.
    """
    found, place = [], ""
    for line in text.splitlines():
        if match := PLACE.match(line):
            place = match[1]
        elif (match := LINT.match(line)) and match[1] != ACCEPTED:
            found.append(f"{place}: {match[1]}")
    return found


def main() -> int:
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(
        command, cwd=tatara_path.REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if "Lints for" not in done.stdout:
        print(done.stdout, file=sys.stderr)
        return done.returncode
    found = problems(done.stdout)
    print("\n".join(found) or "snakemake --lint: nothing but the environments, which envs/ describes for all rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
