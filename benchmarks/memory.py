"""GPU memory of the paper's rules with 8 B shapes under a limit, as a 16 GB card would have it; writes
benchmarks/memory.csv.

Usage: python benchmarks/memory.py [--folder FOLDER] [--gguf FOLDER] [--limit GIB]   (default: 15 GiB; 40 GB of main
    memory; about 4 minutes)

FOLDER of --gguf is one that `benchmarks/inference.py make` has made; without it the rules that read GGUF files are left
out. The GPU is to be free of other work: what llama.cpp takes is read off the whole card, CUDA's own memory included,
which torch's figures leave out.

Runs what the rules of config/paper.yaml run, on the base of benchmarks/training.py: training of stage 2 (r = 32 and
dropout; stage 1 needs less, see training.csv); the likelihood of an adapter on its NF4 base; and a 16-bit model
(parity, and both merges), which is larger than the card: its last layers stay in main memory. So do the first layers of
the F16 file, which is larger than the card too.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import training

FIELDS = [
    "rule",
    "peak_allocated_gib",
    "peak_reserved_gib",
    "peak_card_gib",
    "gpu_layers",
    "memory_limit_gib",
    "seconds",
]
TOKENS = 512  # of an answer, as the caches of config/paper.yaml have room for
GENERATED = 16  # tokens that are generated here; the caches do not grow


def rows_of(pairs: Path, count: int) -> list[dict]:
    with pairs.open(encoding="utf-8") as lines:
        pairs = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    return [
        {"id": pair["id"], "category": "", "question": pair["question"], "reference": pair["answer"]} for pair in pairs
    ]


def evaluate(base: Path, scratch: Path) -> list[dict]:
    """Measure the rules that evaluate, with the adapter that training left in `scratch`."""
    import torch
    from tatara.evaluate import nll, nll_adapter
    from tatara.models import loading
    from tatara.models.chat_template import Conversation
    from tatara.models.tokenizer import load_tokenizer
    from tatara.train import merge

    place, rows, measured = loading.device("cuda"), rows_of(scratch / "pairs.jsonl", 8), []

    def measure(rule: str, work) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        work()
        measured.append({"rule": rule, "seconds": round(time.perf_counter() - start, 1)} | training.memory())

    def adapter() -> None:
        nll_adapter.nll_adapter(
            base=base,
            adapter=scratch / "adapter",
            rows=rows,
            items=[],
            output=scratch / "nll.json",
            probe=scratch / "probe.csv",
            name="",
            model="",
            conversation=Conversation(),
            precision="nf4",
            threads=8,
            device="cuda",
        )

    def merged() -> None:
        model = merge.merge_as_trained(base, scratch / "adapter", place, "nf4")
        pieces = nll_adapter.transformers_pieces(model)
        nll.score(load_tokenizer(base), rows, Conversation(), "merged", pieces)

    measure("nll_scale, nll_nf4: 8 questions", adapter)
    measure("nll_merge, parity (16 bits): 8 questions", merged)
    return measured


class Card:
    """The peak of what a card has in use above what it had before, by nvidia-smi, ten times a second."""

    def __init__(self):
        self.command = [
            "nvidia-smi",
            "--query-gpu=memory.used",
            "--format=csv,noheader,nounits",
            "-i",
            os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
        ]

    def used(self) -> float:
        return int(subprocess.run(self.command, capture_output=True, text=True, check=True).stdout) / 1024

    def __enter__(self):
        self.before = self.peak = self.used()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.over.wait(0.1):
            self.peak = max(self.peak, self.used())

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()


def ggufs(folder: Path, scratch: Path, formats: tuple[str, ...] = ("q4", "f16")) -> list[dict]:
    """Measure the rules that read GGUF files, with questions that training left in `scratch`."""
    import inference
    from tatara.evaluate import nll
    from tatara.files.formats import FORMATS
    from tatara.job import gpu_layers
    from tatara.llama import batch, gguf_model, imatrix
    from tatara.llama.reader import read_head
    from tatara.models import chat
    from tatara.models.chat_template import Conversation
    from tatara.models.tokenizer import load_tokenizer

    prompts = inference.prompts_of(folder / "model", training.REPOSITORY / "resources/testset/test_set_200.jsonl")[:32]
    longest, measured = max(map(len, prompts)), []

    def measure(rule: str, file: Path, context: int, more: int, work) -> None:
        layers = gpu_layers.gpu_layers(file, read_head, context, more)
        start = time.perf_counter()
        with Card() as card:
            work()
        measured.append(
            {
                "rule": rule,
                "seconds": round(time.perf_counter() - start, 1),
                "peak_card_gib": round(card.peak - card.before, 2),
                "gpu_layers": "all" if layers == gpu_layers.ALL else layers,
                "memory_limit_gib": os.environ["TATARA_GPU_MEMORY_GIB"],
            }
        )
        print(measured[-1], file=sys.stderr, flush=True)

    def answers(file: Path) -> None:
        model = gguf_model.load(file, 2048, 8, more=batch.cells(len(prompts), longest + TOKENS))
        slots = batch.BatchContext(model, len(prompts), longest, TOKENS)
        slots.limit = GENERATED
        slots.generate(prompts, [])
        slots.close()
        model.close()

    def likelihood(file: Path) -> None:
        model = gguf_model.load(file, 2048, 8)
        nll.score(
            load_tokenizer(folder / "model"),
            rows_of(scratch / "pairs.jsonl", 4),
            Conversation(),
            "gguf",
            gguf_model.pieces_of(model),
        )
        model.close()

    def matrix() -> None:
        tokenizer = load_tokenizer(folder / "model")
        text = "".join(training.texts())[:4000]
        (scratch / "text.txt").write_text(text, encoding="utf-8")
        tokens = len(chat.encode_text(tokenizer, text))
        imatrix.importance_matrix(folder / "f16.gguf", scratch / "text.txt", scratch / "imatrix.gguf", tokens, 8)

    cells = batch.cells(len(prompts), longest + TOKENS)
    for fmt in formats:
        file, label = folder / f"{fmt}.gguf", FORMATS[fmt].label
        measure(f"answers_gguf {label}: {len(prompts)} together", file, 2048, cells, lambda file=file: answers(file))
        measure(f"nll_gguf, parity, ladder {label}: 4 questions", file, 2048, 0, lambda file=file: likelihood(file))
    if "f16" in formats:
        measure("imatrix F16", folder / "f16.gguf", imatrix.CHUNK, 0, matrix)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the base lies or shall lie; a temporary one otherwise")
    parser.add_argument("--gguf", type=Path, metavar="FOLDER", help="where benchmarks/inference.py has made GGUF files")
    parser.add_argument("--limit", default="15", help="GiB of GPU memory")
    parser.add_argument(
        "--one", type=Path, metavar="SCRATCH", help=argparse.SUPPRESS
    )  # a part in this process, its rows to standard output
    parser.add_argument("part", nargs="?", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = options.folder or Path(temporary, "base")
        if options.one and options.part == "evaluate":
            print(json.dumps(evaluate(base, options.one)))
            return
        if options.one and options.part == "gguf":
            print(json.dumps(ggufs(options.gguf, options.one)))
            return
        if options.one:
            row = training.run(options.part, base, options.one, 2, None)
            rule = f"train_selected: {row['micro_batch_size']} samples a pass"
            print(json.dumps([{"rule": rule, "seconds": ""} | {name: row[name] for name in training.PEAKS}]))
            return
        if not base.exists():
            training.make_base(base)
        rows = []
        gguf = ["--gguf", options.gguf] if options.gguf else []
        for part in ("fused stage 2", "evaluate", *(["gguf"] if gguf else [])):
            command = [sys.executable, __file__, "--folder", base, *gguf, "--one", Path(temporary, "run"), part]
            done = subprocess.run(
                command, env=training.environment(options.limit), stdout=subprocess.PIPE, text=True, check=True
            )
            rows += json.loads(done.stdout.splitlines()[-1])
            print(*rows, sep="\n", flush=True)
            with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
