"""The same trainings on one, two and more GPUs of one machine: wall clock and how many times as fast.

Usage: python benchmarks/cards.py FOLDER [--cards 1 2 4] [--jobs-per-gpu 1 8] [--sizes 1000 2000] [--add]

FOLDER gets what all runs share (base model, subsets), made once, and a run for each number of GPUs and of jobs that
share one, in which Snakemake trains stage 1's adapters of these sizes, all seeds of the study. The figures go to
benchmarks/cards.csv.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))


def snakemake(folder: Path, config: Path, targets: list[str], cards: int, jobs_per_gpu: int) -> float:
    """Make targets in `folder` on the first `cards` GPUs; return the seconds that it took, Snakemake's own among them.

    Raises:
        subprocess.CalledProcessError: a job failed.
    """
    jobs = cards * jobs_per_gpu
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *targets,
        "--snakefile",
        REPOSITORY / "Snakefile",
        "--configfile",
        config,
    ]
    command += ["--directory", folder, "--cores", str(max(jobs, os.cpu_count() or 1)), "--resources", f"gpu={jobs}"]
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(cards))),
        "TATARA_JOBS_PER_GPU": str(jobs_per_gpu),
    }
    start = time.monotonic()
    subprocess.run([*map(str, command)], cwd=REPOSITORY, env=environment, check=True)
    return time.monotonic() - start


def device() -> str:
    """Return the name of the first GPU, as nvidia-smi has it; "no GPU" where there is none."""
    if not shutil.which("nvidia-smi"):
        return "no GPU"
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--config", type=Path, default=REPOSITORY / "config/lab.yaml")
    parser.add_argument("--cards", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--jobs-per-gpu", type=int, nargs="+", default=[1])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 2000])
    parser.add_argument("--add", action="store_true", help="keep the rows of an earlier run")
    arguments = parser.parse_args()
    from tatara.files.config import read_config

    study, config = read_config([arguments.config], REPOSITORY), arguments.config.resolve()
    stage1, shared = study["stage1"], arguments.folder.resolve() / "shared"
    runs = [f"{stage1['model']}_n{n}_r{stage1['r']}_s{seed}" for n in arguments.sizes for seed in stage1["seeds"]]
    adapters = [f"results/adapters/{run}/train.json" for run in runs]
    before = [f"results/base/{stage1['model']}"] + [f"results/subsets/subset_merged_{n}.jsonl" for n in arguments.sizes]
    shared.mkdir(parents=True, exist_ok=True)
    snakemake(shared, config, before, 1, 1)
    table, rows = REPOSITORY / "benchmarks/cards.csv", []
    if arguments.add and table.is_file():
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    for jobs in arguments.jobs_per_gpu:
        first = 0.0
        for cards in arguments.cards:
            folder = shared.parent / f"on-{cards}-{jobs}"
            if folder.exists():
                sys.exit(f"{folder} is there already: remove it, or leave {cards} out of --cards")
            shutil.copytree(shared, folder, symlinks=True)
            seconds = snakemake(folder, config, adapters, cards, jobs)
            first = first or seconds
            rows.append(
                {
                    "cards": cards,
                    "card": device(),
                    "jobs_per_gpu": jobs,
                    "trainings": len(runs),
                    "pairs": sum(arguments.sizes) * len(stage1["seeds"]) * study["train"]["epochs"],
                    "seconds": round(seconds, 1),
                    "times_faster": round(first / seconds, 2),
                }
            )
            with table.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
