"""QLoRA training: one function, with our own fused step, unsloth or TRL behind it (paper §3.3, §5.1, §6.2)."""

import gc
import logging
import math
import resource
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from transformers import AutoConfig, PrinterCallback

from tatara.files.jsonl import read_jsonl
from tatara.files.text import write_json
from tatara.job import fingerprint
from tatara.job.errors import InputError
from tatara.models import loading
from tatara.train import checkpoints
from tatara.train.backends import choose_backend, choose_packing, load_trainable
from tatara.train.samples import check_labels, encode_pairs, pack, unpack
from tatara.train.trainer import _arguments, _Steps, _trainer_class

logger = logging.getLogger("tatara")
VERSIONED = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "datasets")
PAPER_MICRO_BATCH = 2  # paper §5.1: two samples a forward pass, four of them a step


def peak_memory(place: torch.device) -> int:
    """Return the peak memory so far in bytes: the GPU's, or the process's resident set on the CPU."""
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated()
    scale = 1 if sys.platform == "darwin" else 1024  # getrusage counts KiB on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def train(
    *,
    base: Path,
    subset: Path,
    adapter: Path,
    report: Path,
    checkpoint_folder: Path,
    settings: dict,
    lora: dict,
    system: str,
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
        adapter: folder for the adapter.
        report: path of train.json (docs/files.md has its fields).
        checkpoint_folder: where checkpoints lie until the run is done; a killed run goes on from there.
        settings: the `train` section of the config.
        lora: `r`, `alpha`, `dropout`.

    Returns:
        The report: losses in nats per answer token, times in seconds, memory in bytes.
    """
    loading.prepare(seed, threads)
    place = loading.device(device)
    backend = choose_backend(
        settings["backend"], place, AutoConfig.from_pretrained(base, local_files_only=True), settings["packing"]
    )
    packing = choose_packing(settings["packing"], backend, place)
    batch_size = settings["batch_size"]
    micro = settings["micro_batch_size"] or (batch_size if packing else math.gcd(PAPER_MICRO_BATCH, batch_size))
    pairs = read_jsonl(subset)
    model = load_trainable(base, backend, place, lora, settings["max_length"], seed, settings["gradient_checkpointing"])
    tokenizer = loading.load_tokenizer(base)
    encoded = encode_pairs(tokenizer, pairs, system, settings["max_length"])
    dataset = Dataset.from_list([{"input_ids": item.input_ids, "labels": item.labels} for item in encoded])
    rows = {tuple(item.input_ids): index for index, item in enumerate(encoded)}
    total_steps = math.ceil(len(pairs) / batch_size) * settings["epochs"]
    mark = fingerprint.fingerprint([settings, lora, system, seed, threads, backend], [base, subset])
    checkpoint_folder.mkdir(parents=True, exist_ok=True)
    fresh = {name: value.detach().cpu().clone() for name, value in model.named_parameters() if value.requires_grad}

    while True:
        resumed = checkpoints.latest(checkpoint_folder, mark)
        trainer = _trainer_class(backend, place, settings["gradient_checkpointing"])(
            model=model,
            args=_arguments(settings, micro, backend, place, seed, total_steps, checkpoint_folder),
            train_dataset=dataset,
            processing_class=tokenizer,
            data_collator=pack if packing else None,
            callbacks=[checkpoints.SealCallback(mark), _Steps(run)],
        )
        if backend != "unsloth":
            # TRL casts the adapter to bf16, a resumed run would load it in float32 and end elsewhere: float32 for both.
            for parameter in trainer.model.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.float()
        trainer.remove_callback(PrinterCallback)  # _Steps says it in one line
        drawn = list(unpack(next(iter(trainer.get_train_dataloader()))))
        chosen = [rows[tuple(ids)] for ids, _ in drawn]
        for (_, labels), index in zip(drawn, chosen, strict=True):
            if labels != encoded[index].labels:
                raise InputError(f"pair {pairs[index]['id']}: the trainer changed its labels")
        first_batch = check_labels(tokenizer, [pairs[index] for index in chosen], [encoded[index] for index in chosen])

        # The draw above advanced the generators; a resumed run restores them from its checkpoint.
        loading.prepare(seed, threads)
        if resumed:
            logger.info("%s: goes on from %s", run, resumed.name)
        started = time.monotonic()
        try:
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
            break
        except torch.OutOfMemoryError as error:
            if micro == 1:
                raise InputError(
                    f"one sample a forward pass does not fit into the GPU's memory ({str(error).splitlines()[0]}): "
                    "set train.gradient_checkpointing "
                    "to true, lower train.max_length, or raise gpu.memory_limit_gib"
                ) from None
        smaller = next(size for size in range(micro // 2, 0, -1) if batch_size % size == 0)
        logger.warning(
            "%s: out of memory with %d samples a forward pass; again with %d, %d a step as before",
            run,
            micro,
            smaller,
            batch_size,
        )
        micro = smaller
        trainer.accelerator.free_memory()
        del trainer
        gc.collect()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in fresh:
                    parameter.grad = None
                    parameter.copy_(fresh[name])
        if place.type == "cuda":
            torch.cuda.empty_cache()
    seconds = time.monotonic() - started

    for config in trainer.model.peft_config.values():
        if isinstance(config.target_modules, set):  # written in an order that differs from process to process
            config.target_modules = sorted(config.target_modules)
    trainer.model.save_pretrained(adapter)
    shutil.rmtree(adapter / "README.md", ignore_errors=True)
    (adapter / "README.md").unlink(missing_ok=True)
    steps = [
        {"step": entry["step"], "epoch": entry["epoch"], "loss": entry["loss"], "learning_rate": entry["learning_rate"]}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    per_epoch = total_steps // settings["epochs"]
    epoch_loss = [sum(s["loss"] for s in steps[i : i + per_epoch]) / per_epoch for i in range(0, len(steps), per_epoch)]
    trained_steps = total_steps - (int(resumed.name.split("-")[1]) if resumed else 0)
    share = trained_steps / total_steps
    tokens = sum(len(item.input_ids) for item in encoded) * settings["epochs"]
    result = {
        "run": run,
        "model": model_name,
        "backend": backend,
        "device": place.type,
        "seed": seed,
        "n": len(pairs),
        **lora,
        "epochs": settings["epochs"],
        "effective_batch_size": batch_size,
        "micro_batch_size": micro,
        "packing": packing,
        "final_loss": steps[-1]["loss"],
        "mean_loss": sum(s["loss"] for s in steps) / len(steps),
        "epoch_loss": epoch_loss,
        "seconds": seconds,
        "samples_per_second": len(pairs) * settings["epochs"] * share / seconds,
        "tokens_per_second": tokens * share / seconds,
        "tokens": tokens,
        "answer_tokens": sum(len(item.input_ids) - item.prompt_tokens for item in encoded) * settings["epochs"],
        "peak_memory_bytes": peak_memory(place),
        "trainable_parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "resumed_from": resumed.name if resumed else None,
        "threads": threads,
        "versions": {name: version(name) for name in VERSIONED}
        | ({"unsloth": version("unsloth")} if backend == "unsloth" else {}),
        "first_batch": first_batch,
        "steps": steps,
    }
    write_json(report, result)
    shutil.rmtree(checkpoint_folder)
    return result
