"""QLoRA training: one function, with our own fused step, unsloth or TRL behind it (paper §3.3, §5.1, §6.2)."""

import gc
import logging
import math
import shutil
import time
from dataclasses import asdict
from pathlib import Path

import torch

from tatara.files.jsonl import read_jsonl
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.models import loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer
from tatara.train import checkpoints
from tatara.train.backends import choose_backend, load_trainable
from tatara.train.packing import choose_packing
from tatara.train.samples import Samples, share_of
from tatara.train.trainable import describe
from tatara.train.trainer import Plan, make_trainer
from tatara.train.training_report import Fit, training_report

logger = logging.getLogger("tatara")
PAPER_MICRO_BATCH = 2  # paper §5.1: two samples a forward pass, four of them a step


def train(
    *,
    base: Path,
    subset: Path,
    general: Path | None,
    adapter: Path,
    report: Path,
    checkpoint_folder: Path,
    settings: dict,
    lora: dict,
    conversation: Conversation,
    run: str,
    model_name: str,
    seed: int,
    threads: int,
    device: str = "auto",
) -> dict:
    """Train one adapter and write it with its report.

    Args:
        base: folder of the base model (safetensors and tokenizer).
        subset: JSONL of QA pairs.
        general: JSONL of general pairs, of which `train.general_share` of the samples are; None where there are none.
        adapter: folder for the adapter.
        report: path of train.json (docs/files.md has its fields).
        checkpoint_folder: where checkpoints lie until the run is done; a killed run goes on from there.
        settings: the `train` section of the config.
        lora: `r`, `alpha`, `dropout`.
        conversation: how the model is trained to be asked.

    Returns:
        The report: losses in nats per answer token, times in seconds, memory in bytes.
    """
    loading.prepare(seed, threads)
    place = loading.device(device)
    trainable = describe(base, settings)
    backend = choose_backend(settings["backend"], place, trainable, settings["packing"])
    pairs = read_jsonl(subset)
    others = share_of(read_jsonl(general), settings["general_share"], len(pairs)) if general else []
    tokenizer = load_tokenizer(base)
    samples = Samples.of(tokenizer, pairs, conversation, settings["max_length"], settings["loss"], others)
    model = load_trainable(base, trainable, backend, place, lora, settings, seed)
    packing = choose_packing(settings["packing"], backend, place, model)
    files = [base, subset, *filter(None, [general])]
    plan = Plan(
        run=run,
        settings=settings,
        backend=backend,
        place=place,
        packing=packing,
        micro_batch_size=settings["micro_batch_size"] or _usual_micro_batch(packing, settings["batch_size"]),
        total_steps=math.ceil(len(samples.pairs) / settings["batch_size"]) * settings["epochs"],
        seed=seed,
        threads=threads,
        checkpoint_folder=checkpoint_folder,
        fingerprint=fingerprint([settings, lora, asdict(conversation), seed, threads, backend], files),
    )
    fit = _fit(plan, model, samples)
    _save_adapter(fit.trainer.model, adapter)
    result = training_report(plan, trainable, samples, fit, lora, model_name)
    write_json(report, result)
    shutil.rmtree(checkpoint_folder)
    return result


def _usual_micro_batch(packing: bool, batch_size: int) -> int:
    """Return how many samples a forward pass takes where the user names no number."""
    return batch_size if packing else math.gcd(PAPER_MICRO_BATCH, batch_size)


def _fit(plan: Plan, model, samples: Samples) -> Fit:
    """Train the model, from its newest checkpoint where there is one; each time that the GPU's memory runs out, with
    fewer samples a forward pass and as many a step as before.
    """
    plan.checkpoint_folder.mkdir(parents=True, exist_ok=True)
    micro_batch_size = plan.micro_batch_size
    initial = {name: value.detach().cpu().clone() for name, value in model.named_parameters() if value.requires_grad}
    while True:
        resumed = checkpoints.latest(plan.checkpoint_folder, plan.fingerprint)
        trainer = make_trainer(plan, model, samples, micro_batch_size)
        first_batch = samples.check_batch(next(iter(trainer.get_train_dataloader())))
        # The draw above advanced the generators; a resumed run restores them from its checkpoint.
        loading.prepare(plan.seed, plan.threads)
        if resumed:
            logger.info("%s: goes on from %s", plan.run, resumed.name)
        started = time.monotonic()
        try:
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
            return Fit(trainer, micro_batch_size, resumed, time.monotonic() - started, first_batch)
        except torch.OutOfMemoryError as error:
            micro_batch_size = _smaller(plan, micro_batch_size, str(error).splitlines()[0])
        trainer.accelerator.free_memory()
        del trainer
        _reset(model, initial, plan.place)


def _smaller(plan: Plan, micro_batch_size: int, message: str) -> int:
    """Return the next smaller number of samples a forward pass that divides a step.

    Raises:
        InputError: one sample does not fit into the GPU's memory.
    """
    if micro_batch_size == 1:
        raise InputError(
            f"one sample a forward pass does not fit into the GPU's memory ({message}): set "
            "train.gradient_checkpointing to true, lower train.max_length, or allow more memory (Snakemake's resource "
            "gpu_memory_gib, docs/gpu.md)"
        ) from None
    batch_size = plan.settings["batch_size"]
    smaller = next(size for size in range(micro_batch_size // 2, 0, -1) if batch_size % size == 0)
    message = "%s: out of memory with %d samples a forward pass; again with %d, %d a step as before"
    logger.warning(message, plan.run, micro_batch_size, smaller, batch_size)
    return smaller


def _reset(model, initial: dict[str, torch.Tensor], place: torch.device) -> None:
    """Give the trained parameters their first values again and free the GPU's memory."""
    gc.collect()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in initial:
                parameter.grad = None
                parameter.copy_(initial[name])
    if place.type == "cuda":
        torch.cuda.empty_cache()


def _save_adapter(model, folder: Path) -> None:
    """Save a trained adapter, the same bytes for the same training."""
    for config in model.peft_config.values():
        if isinstance(config.target_modules, set):  # written in an order that differs from process to process
            config.target_modules = sorted(config.target_modules)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
