"""Where the time of a training step of a small model goes on a GPU: with cuDNN's attention and without, padded and
packed, LoRA and all weights; writes benchmarks/small_step.csv.

Usage: python benchmarks/small_step.py BASE PAIRS [--config config/lab.yaml] [--output FILE]

BASE is a model's folder (results/base/gemma), PAIRS a subset (results/subsets/subset_merged_1000.jsonl). Every variant
goes through `qlora.train` in this process, with the configuration's batch. Ten steps after the twelfth are timed; three
more are profiled: the time of their kernels, and what share of the processor's time calls to cuDNN's attention take.
"""

import argparse
import csv
import itertools
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))
WARM, TIMED, PROFILED = 12, 10, 3
WEIGHTS, ROWS = ("lora", "all"), ("padded", "packed")


def watcher():
    """Return a callback of the trainer that times and profiles steps, then stops it; its `row` has the figures."""
    import torch
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):
        def __init__(self):
            self.row, self.start, self.profile = {}, 0.0, None

        def on_step_end(self, args, state, control, **keywords):
            step = state.global_step
            if step not in (WARM, WARM + TIMED, WARM + TIMED + PROFILED):
                return
            torch.cuda.synchronize()
            if step == WARM:
                self.start = time.monotonic()
            elif step == WARM + TIMED:
                self.row["step_ms"] = f"{1000 * (time.monotonic() - self.start) / TIMED:.1f}"
                kinds = torch.profiler.ProfilerActivity
                self.profile = torch.profiler.profile(activities=[kinds.CPU, kinds.CUDA])
                self.profile.__enter__()
            else:
                self.profile.__exit__(None, None, None)
                events = self.profile.key_averages()
                kernels = [event for event in events if event.device_type == torch.autograd.DeviceType.CUDA]
                processor = sum(event.self_cpu_time_total for event in events)
                planning = sum(event.self_cpu_time_total for event in events if "cudnn_attention" in event.key)
                self.row["kernels_ms"] = (
                    f"{sum(event.self_device_time_total for event in kernels) / PROFILED / 1000:.1f}"
                )
                self.row["cudnn_attention_share"] = f"{planning / processor:.2f}"
                control.should_training_stop = True

    return Watcher()


def measure(base: Path, pairs: Path, study: dict, rows: str, weights: str, cudnn: bool) -> dict:
    """Return step time, kernel time and the share of cuDNN's attention of one variant."""
    import torch
    from tatara.models import loading
    from tatara.models.chat_template import Conversation
    from tatara.train import qlora

    prepare, make_trainer, watch = loading.prepare, qlora.make_trainer, watcher()

    def prepared(seed: int, threads: int) -> None:
        prepare(seed, threads)
        torch.backends.cuda.enable_cudnn_sdp(cudnn)

    def watched(*arguments):
        trainer = make_trainer(*arguments)
        trainer.add_callback(watch)
        return trainer

    settings = study["train"] | {"weights": weights, "packing": rows == "packed", "epochs": 1}
    settings["micro_batch_size"] = settings["batch_size"]
    loading.prepare, qlora.make_trainer = prepared, watched
    try:
        with tempfile.TemporaryDirectory() as folder:
            qlora.train(
                base=base,
                subset=pairs,
                general=None,
                adapter=Path(folder, "adapter"),
                report=Path(folder, "train.json"),
                checkpoint_folder=Path(folder, "checkpoints"),
                settings=settings,
                lora={key: study["stage1"][key] for key in ("r", "alpha", "dropout")},
                conversation=Conversation(**study["chat"]),
                run=f"{weights}, {rows}",
                model_name=base.name,
                seed=1,
                threads=1,
            )
    finally:
        loading.prepare, qlora.make_trainer = prepare, make_trainer
    return watch.row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, metavar="BASE")
    parser.add_argument("pairs", type=Path, metavar="PAIRS")
    parser.add_argument("--config", type=Path, default=REPOSITORY / "config/lab.yaml")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "benchmarks/small_step.csv")
    arguments = parser.parse_args()
    import torch
    from tatara.files.config import read_config

    if not torch.cuda.is_available():
        sys.exit("no GPU: a step's kernels are timed on one")
    study, found = read_config([arguments.config], REPOSITORY), []
    card = torch.cuda.get_device_name()
    for weights, rows, cudnn in itertools.product(WEIGHTS, ROWS, (True, False)):
        row = measure(arguments.base, arguments.pairs, study, rows, weights, cudnn)
        found.append({"weights": weights, "rows": rows, "cudnn_attention": cudnn, "card": card} | row)
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, found[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)


if __name__ == "__main__":
    main()
