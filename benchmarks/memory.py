"""GPU memory of the paper's rules with 8 B shapes under a limit, as a 16 GB card would have it; writes benchmarks/memory.csv.

Usage: python benchmarks/memory.py [--folder FOLDER] [--limit GIB]   (default: 15 GiB; 40 GB of main memory; about 2 minutes on an H100)

Runs what the rules of config/paper.yaml run, on the base of benchmarks/training.py: training of stage 2 (r = 32 and dropout; stage 1 needs less,
see training.csv); the likelihood of an adapter on its NF4 base; and a 16-bit model (parity, and both merges), which is larger than the card: its
last layers stay in main memory.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import training

FIELDS = ["rule", "peak_allocated_gib", "peak_reserved_gib", "memory_limit_gib", "seconds"]


def rows_of(pairs: Path, count: int) -> list[dict]:
    with pairs.open(encoding="utf-8") as lines:
        pairs = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    return [{"id": pair["id"], "category": "", "question": pair["question"], "reference": pair["answer"]} for pair in pairs]


def evaluate(base: Path, scratch: Path) -> list[dict]:
    """Measure the rules that evaluate, with the adapter that training left in `scratch`."""
    import time

    import torch
    from tatara import merge, models, nll

    place, rows, measured = models.device("cuda"), rows_of(scratch / "pairs.jsonl", 8), []

    def measure(rule: str, work) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        work()
        measured.append({"rule": rule, "seconds": round(time.perf_counter() - start, 1)} | training.memory())

    def adapter() -> None:
        nll.nll_adapter(
            base=base, adapter=scratch / "adapter", rows=rows, output=scratch / "nll.json", name="", model="", system="", threads=8, device="cuda"
        )

    def merged() -> None:
        model = merge.merge_dequantized(base, scratch / "adapter", place)
        nll.score(models.load_tokenizer(base), rows, "", "merged", nll.transformers_logits(model))

    measure("nll_scale, nll_nf4: 8 questions", adapter)
    measure("nll_merge, parity (16 bits): 8 questions", merged)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the base lies or shall lie; a temporary one otherwise")
    parser.add_argument("--limit", default="15", help="GiB of GPU memory")
    parser.add_argument("--one", type=Path, metavar="SCRATCH", help=argparse.SUPPRESS)  # a part in this process, its rows to standard output
    parser.add_argument("part", nargs="?", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = options.folder or Path(temporary, "base")
        if options.one and options.part == "evaluate":
            print(json.dumps(evaluate(base, options.one)))
            return
        if options.one:
            row = training.run(options.part, base, options.one, 2, None)
            rule = f"train_selected: {row['micro_batch_size']} samples a pass"
            print(json.dumps([{"rule": rule, "seconds": ""} | {name: row[name] for name in FIELDS[1:4]}]))
            return
        if not base.exists():
            training.make_base(base)
        rows = []
        for part in ("fused stage 2", "evaluate"):
            command = [sys.executable, __file__, "--folder", base, "--one", Path(temporary, "run"), part]
            done = subprocess.run(command, env=training.environment(options.limit), stdout=subprocess.PIPE, text=True, check=True)
            rows += json.loads(done.stdout.splitlines()[-1])
            print(*rows, sep="\n", flush=True)
            with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
