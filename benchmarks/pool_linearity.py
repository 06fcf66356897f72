"""Time and memory of the data rules for pools of 1, 10 and 100 times the size; writes benchmarks/pool_linearity.csv.

Usage: python benchmarks/pool_linearity.py [QA_PAIRS.jsonl]   (default: results/qa/qa_pairs.jsonl; about 5 minutes and
    1.5 GB of disk)

The pairs of the study are repeated with a number behind each question, so that every pair stays one of its own. Then
the rules pool, subsets and testset run as they are, and Snakemake's own benchmark files say how long each took and how
much memory it held.
"""

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RULES = ("pool", "subsets", "testset")
FACTORS = (1, 10, 100)


def enlarge(source: Path, factor: int, target: Path) -> int:
    """Write the pairs `factor` times, each time with questions and ids of their own; return how many there are."""
    target.parent.mkdir(parents=True)
    count = 0
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as output:
        for line in lines:
            pair = json.loads(line)
            for number in range(factor):
                question = f"{pair['question']}（{number}）"
                identity = hashlib.sha256(question.encode()).hexdigest()[:16]
                output.write(json.dumps(pair | {"id": identity, "question": question}, ensure_ascii=False) + "\n")
                count += 1
    return count


def main(source: Path) -> None:
    rows = []
    for factor in FACTORS:
        with tempfile.TemporaryDirectory() as folder:
            pairs = enlarge(source, factor, Path(folder, "results/qa/qa_pairs.jsonl"))
            command = [
                sys.executable,
                "-m",
                "snakemake",
                "results/subsets/quality.csv",
                "results/testset/overlap.json",
                "--cores",
                "1",
                "--quiet",
            ]
            command += [
                "--snakefile",
                REPOSITORY / "Snakefile",
                "--configfile",
                REPOSITORY / "config/config.yaml",
                "--directory",
                folder,
            ]
            subprocess.run([*command, "--allowed-rules", *RULES], check=True)
            for rule in RULES:
                with Path(folder, f"results/benchmarks/{rule}.tsv").open() as file:
                    measured = next(csv.DictReader(file, delimiter="\t"))
                rows.append([factor, pairs, rule, float(measured["s"]), float(measured["max_rss"])])
                print(*rows[-1])
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["factor", "pairs", "rule", "seconds", "max_rss_mib"])
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "results/qa/qa_pairs.jsonl")
