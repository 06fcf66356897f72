"""What a training run reports: train.json."""

import resource
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from tatara.train.samples import Samples
from tatara.train.trainable import Trainable
from tatara.train.trainer import Plan

VERSIONED = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "datasets")


@dataclass(frozen=True)
class Fit:
    """A finished training.

    Attributes:
        trainer: TRL's trainer, with the trained model and the log of its steps.
        micro_batch_size: samples a forward pass in the end.
        resumed: the checkpoint that it went on from, None where it began anew.
        seconds: of training, after the checkpoint.
        first_batch: decoded labels of the first batch.
    """

    trainer: object
    micro_batch_size: int
    resumed: Path | None
    seconds: float
    first_batch: list[str]


def peak_memory(place: torch.device) -> int:
    """Return the peak memory so far in bytes: the GPU's, or the process's resident set on the CPU."""
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated()
    scale = 1 if sys.platform == "darwin" else 1024  # getrusage counts KiB on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def _steps(trainer) -> list[dict]:
    keys = ("step", "epoch", "loss", "learning_rate")
    return [{key: entry[key] for key in keys} for entry in trainer.state.log_history if "loss" in entry]


def _speed(plan: Plan, samples: Samples, fit: Fit) -> dict:
    """Return samples and tokens per second of the steps that this process did itself."""
    steps_before = int(fit.resumed.name.split("-")[1]) if fit.resumed else 0
    share = (plan.total_steps - steps_before) / plan.total_steps
    epochs = plan.settings["epochs"]
    return {
        "seconds": fit.seconds,
        "samples_per_second": len(samples.pairs) * epochs * share / fit.seconds,
        "tokens_per_second": samples.tokens * epochs * share / fit.seconds,
    }


def training_report(plan: Plan, base: Trainable, samples: Samples, fit: Fit, lora: dict, model_name: str) -> dict:
    """Return the content of train.json (docs/files.md): losses in nats per answer token, times in seconds, memory in
    bytes.
    """
    steps, epochs = _steps(fit.trainer), plan.settings["epochs"]
    losses, per_epoch = [step["loss"] for step in steps], plan.total_steps // epochs
    versioned = VERSIONED + (("unsloth",) if plan.backend == "unsloth" else ())
    return {
        "run": plan.run,
        "model": model_name,
        "backend": plan.backend,
        "device": plan.place.type,
        "seed": plan.seed,
        "n": len(samples.pairs) - samples.general,
        "general_pairs": samples.general,
        **lora,
        "epochs": epochs,
        "effective_batch_size": plan.settings["batch_size"],
        "micro_batch_size": fit.micro_batch_size,
        "packing": plan.packing,
        "base_precision": base.precision,
        "weights": plan.settings["weights"],
        "loss_on": plan.settings["loss"],
        "coverage": base.targets.coverage,
        "left_out": base.left_out,
        "template_exact": samples.exact,
        "final_loss": losses[-1],
        "mean_loss": sum(losses) / len(losses),
        "epoch_loss": [sum(losses[i : i + per_epoch]) / per_epoch for i in range(0, len(losses), per_epoch)],
        **_speed(plan, samples, fit),
        "tokens": samples.tokens * epochs,
        "answer_tokens": samples.answer_tokens * epochs,
        "peak_memory_bytes": peak_memory(plan.place),
        "trainable_parameters": sum(p.numel() for p in fit.trainer.model.parameters() if p.requires_grad),
        "resumed_from": fit.resumed.name if fit.resumed else None,
        "threads": plan.threads,
        "versions": {name: version(name) for name in versioned},
        "first_batch": fit.first_batch,
        "steps": steps,
    }
