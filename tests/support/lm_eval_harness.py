"""lm-evaluation-harness for tests, which is none of the project's needs: installed once from envs/lm_eval.txt into the
cache folder, and run by this environment's Python with its torch and transformers.

python tests/support/lm_eval_harness.py fetch    # 9 MB, 16 MB on the disk, some seconds

The lock has the harness and what the tables of its command line need beyond this environment, in the versions that pip
resolves for `lm_eval pytablewriter`. What the harness takes for other benchmarks and metrics (evaluate, rouge-score, …)
it imports when they are asked for, and is left out.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import offline
from server import CACHE

LOCK = Path(__file__).resolve().parents[2] / "envs" / "lm_eval.txt"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=:all:"]


def installed() -> Path:
    """Return the folder with the harness, fetched once; whole or not at all.

    Raises:
        subprocess.CalledProcessError: pip does not get the packages.
    """
    folder = CACHE / f"lm_eval-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            target = Path(scratch, "packages")
            subprocess.run(
                [*PIP, "--no-deps", "--require-hashes", "--no-compile", "--target", target, "-r", LOCK], check=True
            )
            # Its own benchmarks: 69 of 85 MB, and 14,000 files that it would read at each start.
            for benchmark in (target / "lm_eval" / "tasks").iterdir():
                if benchmark.is_dir():
                    shutil.rmtree(benchmark)
            target.rename(folder)
    return folder


def run(folder: Path, counters: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `lm_eval` in a folder, without a network where this machine permits that, and return its end with what it
    said, standard output and error together.

    Args:
        counters: where the counters of its network go (`offline`).
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed()),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",  # the models are small
    }
    return subprocess.run(
        offline.command(counters, [sys.executable, "-m", "lm_eval", *arguments]),
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit(__doc__)
    print(installed())
