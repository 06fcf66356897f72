"""What planning costs as a study grows: time and memory of a dry run of about 1,000, 3,000 and 10,000 jobs.

    python benchmarks/dag_scale.py        # writes benchmarks/dag_scale.json

Each study is the smoke configuration with more training sizes and seeds. A dry run builds the whole graph of jobs and
prints it.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
STUDIES = [(20, 24), (50, 30), (100, 50)]  # sizes, seeds


def plan(sizes: int, seeds: int) -> dict:
    """Dry-run a study of so many sizes and seeds in an empty folder; return jobs, seconds and the largest resident set
    in MiB.
    """
    config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["subsets"]["sizes"] = [16 + 8 * number for number in range(sizes)]
    config["stage1"]["seeds"] = list(range(seeds))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "study.yaml")
        file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "all",
            "--dry-run",
            "--cores",
            "4",
            "--snakefile",
            str(REPOSITORY / "Snakefile"),
            "--configfile",
            str(file),
            "--directory",
            folder,
        ]
        said = Path(folder, "said.txt")
        start = time.monotonic()
        with said.open("w") as output:
            process = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        text = said.read_text(encoding="utf-8")
    if status:
        sys.exit(f"the dry run failed:\n{text[-3000:]}")
    return {
        "sizes": sizes,
        "seeds": seeds,
        "jobs": int(re.search(r"^total +(\d+)", text, re.MULTILINE)[1]),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": used.ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_suffix(".json"), help="file to write (%(default)s)"
    )
    arguments = parser.parse_args()
    runs = []
    for sizes, seeds in STUDIES:
        runs.append(plan(sizes, seeds))
        print(runs[-1], flush=True)
    content = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "runs": runs,
    }
    arguments.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
