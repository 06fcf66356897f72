"""Answers through llama.cpp on a GPU with CUDA graphs and without: how many end, how many fail, and how long they take;
writes benchmarks/cuda_graphs.csv.

Usage: python benchmarks/cuda_graphs.py BASE GGUF [GGUF …] [--jobs 1 8] [--repeats 2] [--output FILE]

BASE is the model's folder, for its tokenizer (results/base/gemma), GGUF its files. A process answers the 100 questions
of the test set in one batch and then three one by one. `--jobs` processes at once share the card, which is the first
that CUDA_VISIBLE_DEVICES names.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from inference import QUESTIONS, REPOSITORY, TOKENS, card, prompts_of

DISABLE = "GGML_CUDA_DISABLE_GRAPHS"
ALONE = 3
FIELDS = ["file", "card", "graphs", "jobs", "ended", "failed", "seconds_together", "seconds_alone", "error"]


def answer(base: Path, file: Path, tokens: int, questions: int) -> None:
    """Answer in this process; print the seconds of the batch, and of an answer alone, as JSON."""
    from tatara.llama import batch, gguf_model

    prompts = prompts_of(base, REPOSITORY / "resources/testset/test_set_200.jsonl")[:questions]
    model = gguf_model.load(file, 2048, 2, more=batch.cells(len(prompts), max(map(len, prompts)) + tokens))
    slots = batch.BatchContext(model, len(prompts), max(map(len, prompts)), tokens)
    start = time.perf_counter()
    slots.generate(prompts, [])
    together = time.perf_counter() - start
    slots.close()
    alone = []
    for prompt in prompts[:ALONE]:
        start = time.perf_counter()
        list(gguf_model.greedy_tokens(model, prompt, [], tokens))
        alone.append(time.perf_counter() - start)
    model.close()
    print(json.dumps({"together": together, "alone": statistics.median(alone)}))


def run(options: argparse.Namespace, file: Path, graphs: bool, jobs: int) -> dict:
    """Start so many processes at once, as often as asked; return a row of the table."""
    environment = {key: value for key, value in os.environ.items() if key != DISABLE} | (
        {} if graphs else {DISABLE: "1"}
    )
    command = [sys.executable, __file__, options.base, file, "--answer", "--questions", str(options.questions)]
    command += ["--tokens", str(options.tokens)]
    told, errors = [], []
    for _ in range(options.repeats):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started = [subprocess.Popen([*map(str, command)], env=environment, **pipes) for _ in range(jobs)]
        for process in started:
            output, said = process.communicate()
            if process.returncode:
                lines = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()[-1:]
                errors.append(lines[0] if lines else f"ended with {process.returncode}")
            else:
                told.append(json.loads(output.splitlines()[-1]))

    def middle(key: str) -> str:
        return f"{statistics.median(one[key] for one in told):.3f}" if told else ""

    return {
        "file": file.stem,
        "card": options.card,
        "graphs": "on" if graphs else "off",
        "jobs": jobs,
        "ended": len(told),
        "failed": len(errors),
        "seconds_together": middle("together"),
        "seconds_alone": middle("alone"),
        "error": errors[0] if errors else "",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, metavar="BASE")
    parser.add_argument("files", type=Path, nargs="+", metavar="GGUF")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--output", type=Path, default=REPOSITORY / "benchmarks/cuda_graphs.csv")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer(options.base, options.files[0], options.tokens, options.questions)
        return
    options.card = card()
    with options.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for jobs in options.jobs:
            for gguf in options.files:
                for graphs in (True, False):
                    row = run(options, gguf, graphs, jobs)
                    writer.writerow(row)
                    file.flush()
                    print(row, flush=True)


if __name__ == "__main__":
    main()
