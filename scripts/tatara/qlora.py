"""QLoRA training: one function, with our own fused step, unsloth or TRL behind it (paper §3.3, §5.1, §6.2)."""

import gc
import importlib.util
import json
import logging
import math
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoConfig, PrinterCallback, TrainerCallback

from tatara import chat, checkpoints, fused, models
from tatara.errors import InputError
from tatara.jsonl import read_jsonl

logger = logging.getLogger("tatara")
VERSIONED = ("torch", "transformers", "peft", "trl", "accelerate", "bitsandbytes", "datasets")


PAPER_MICRO_BATCH = 2  # paper §5.1: two samples a forward pass, four of them a step


def choose_backend(choice: str, place: torch.device, config, packing: bool | str = "auto") -> str:
    """Return `fused`, `unsloth` or `trl` for `auto` or one of these; `auto` is the first of them that can run, with the reasons logged.

    On a CPU `auto` is TRL, the reference; `fused` runs there when it is named.

    Args:
        config: the base model's transformers configuration.
        packing: `train.packing`.

    Raises:
        InputError: the backend that is asked for cannot run here, or cannot pack as it is asked to.
    """
    gpu = place.type == "cuda"
    installed = importlib.util.find_spec("unsloth") is not None
    reasons = {
        "fused": fused.unsupported(config, place),
        "unsloth": "unsloth needs a GPU" if not gpu else None if installed else "unsloth is not installed (envs/gpu.txt has it)",
        "trl": None,
    }
    if packing is False:
        reasons["fused"] = "the fused backend works on packed rows alone, and config key train.packing is false"
    if packing is True:
        reasons["unsloth"] = "unsloth does not take packed rows, and config key train.packing is true"
    if choice != "auto":
        if reasons[choice]:
            raise InputError(f"config key train.backend is {choice}, but {reasons[choice]}; take auto or trl")
        return choice
    if not gpu:
        logger.info("train.backend auto: trl, since there is no GPU")
        return "trl"
    chosen = next(name for name, reason in reasons.items() if not reason)
    refused = [reason for name, reason in reasons.items() if reason]
    logger.info("train.backend auto: %s%s", chosen, f", since {'; '.join(refused)}" if refused else "")
    return chosen


def choose_packing(choice: bool | str, backend: str, place: torch.device) -> bool:
    """Return whether the samples of a forward pass lie in one row, for `auto` or a choice of the user's that the backend can do."""
    return backend == "fused" or (backend == "trl" and (place.type == "cuda" if choice == "auto" else choice))


def load_trainable(base: Path, backend: str, place: torch.device, lora: dict, max_length: int, seed: int, checkpointing: bool):
    """Load the base in NF4 and put a fresh adapter on it.

    Args:
        lora: `r`, `alpha`, `dropout`.
    """
    if backend == "unsloth":
        os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
        from unsloth import FastLanguageModel

        model, _ = FastLanguageModel.from_pretrained(str(base), max_seq_length=max_length, load_in_4bit=True, dtype=torch.bfloat16)
        return FastLanguageModel.get_peft_model(
            model, r=lora["r"], lora_alpha=lora["alpha"], lora_dropout=lora["dropout"], target_modules=models.TARGET_MODULES,
            use_gradient_checkpointing="unsloth" if checkpointing else False, random_state=seed,
        )  # fmt: skip
    model = models.load_nf4(base, place)
    if backend == "trl":
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=checkpointing, gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None
        )
    config = LoraConfig(
        r=lora["r"], lora_alpha=lora["alpha"], lora_dropout=lora["dropout"], target_modules=models.TARGET_MODULES, task_type="CAUSAL_LM"
    )
    torch.manual_seed(seed)
    return get_peft_model(model, config)


def encode_pairs(tokenizer, pairs: list[dict], system: str, max_length: int) -> list[chat.Encoded]:
    """Encode QA pairs.

    Raises:
        InputError: a pair is longer than `max_length` tokens.
    """
    encoded = [chat.encode(tokenizer, pair["question"], pair["answer"], system) for pair in pairs]
    for pair, item in zip(pairs, encoded, strict=True):
        if len(item.input_ids) > max_length:
            raise InputError(
                f"pair {pair['id']} has {len(item.input_ids)} tokens, config key train.max_length allows {max_length}: "
                "raise it, or shorten the pair; it is not cut silently"
            )
    return encoded


def check_labels(tokenizer, pairs: list[dict], encoded: list[chat.Encoded]) -> list[str]:
    """Decode the labels of a batch and compare them with the answers: only these may carry loss.

    Returns:
        The decoded labels.

    Raises:
        InputError: labels and answer differ (a wrong mask trains on the prompt, or on nothing; unsloth issues 1262, 2095).
    """
    decoded = []
    for pair, item in zip(pairs, encoded, strict=True):
        carrying = [token for token in item.labels if token != chat.IGNORED]
        text = tokenizer.decode(carrying[:-1], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        normalized = (
            tokenizer.backend_tokenizer.normalizer.normalize_str(pair["answer"]) if tokenizer.backend_tokenizer.normalizer else pair["answer"]
        )
        if text != normalized or carrying[-1] != chat.end_of_turn(tokenizer):
            raise InputError(
                f"pair {pair['id']}: the tokens that carry loss read {text!r}, expected the answer {normalized!r} and the end of the turn"
            )
        decoded.append(tokenizer.decode(carrying, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    return decoded


def pack(features: list[dict]) -> dict[str, torch.Tensor]:
    """Lay samples one behind another in one row: the collation of packed training.

    The positions begin at 0 with each sample. By them transformers, and by the lengths the fused backend, keep samples from seeing each other.

    Returns:
        `input_ids`, `labels` and `position_ids` (1, tokens), `packed_seq_lengths` (samples,), tokens of each sample.
    """
    row = {key: torch.tensor([[token for feature in features for token in feature[key]]]) for key in ("input_ids", "labels")}
    lengths = [len(feature["input_ids"]) for feature in features]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    return row | {"position_ids": positions, "packed_seq_lengths": torch.tensor(lengths, dtype=torch.int32)}


def unpack(batch: dict[str, torch.Tensor]) -> Iterator[tuple[list[int], list[int]]]:
    """Return token ids and labels of each sample of a batch, packed or padded."""
    if "packed_seq_lengths" in batch:
        lengths = batch["packed_seq_lengths"].tolist()
        yield from zip(*(map(torch.Tensor.tolist, batch[key][0].split(lengths)) for key in ("input_ids", "labels")), strict=True)
    else:
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"].bool(), strict=True):
            yield ids[mask].tolist(), labels[mask].tolist()


class _Steps(TrainerCallback):
    """Keeps the loss of each step and says how far training is."""

    def __init__(self, run: str):
        self.run, self.last, self.start = run, 0.0, time.monotonic()
        self.first_step = None

    def on_log(self, args, state, control, logs=None, **keywords):
        now = time.monotonic()
        if self.first_step is None:
            self.first_step = state.global_step - 1
        if logs and "loss" in logs and now - self.last >= 10:
            self.last = now
            left = (now - self.start) / max(1, state.global_step - self.first_step) * (state.max_steps - state.global_step)
            logger.info("%s: step %d of %d, loss %.3f, about %d s left", self.run, state.global_step, state.max_steps, logs["loss"], left)


def peak_memory(place: torch.device) -> int:
    """Return the peak memory so far in bytes: the GPU's, or the process's resident set on the CPU."""
    if place.type == "cuda":
        return torch.cuda.max_memory_allocated()
    scale = 1 if sys.platform == "darwin" else 1024  # getrusage counts KiB on Linux and bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def answer_loss(model, inputs: dict, tokens: torch.Tensor | int | None) -> torch.Tensor:
    """Return the cross-entropy over answer tokens in nats, summed and divided by `tokens` (or by their count).

    The logits of answer positions alone are computed, so a long prompt costs no vocabulary-sized rows.
    """
    base = model.get_base_model()
    targets = inputs["labels"][:, 1:]
    given = {key: value for key, value in inputs.items() if key in ("input_ids", "attention_mask", "position_ids")}
    hidden = base.base_model(**given, use_cache=False).last_hidden_state
    carrying = targets != chat.IGNORED
    logits = base.get_output_embeddings()(hidden[:, :-1][carrying])
    total = torch.nn.functional.cross_entropy(logits.float(), targets[carrying], reduction="sum")
    return total / (carrying.sum() if tokens is None else tokens)


def _trainer_class(backend: str, place: torch.device, checkpointing: bool):
    """Return TRL's trainer with the backend's loss.

    On the CPU TRL gets a loss of our own, since TRL 1.15 computes its loss in a Triton kernel (GPU only).
    """
    from trl import SFTTrainer

    if backend == "unsloth" or (backend == "trl" and place.type == "cuda"):
        return SFTTrainer

    class OwnLossTrainer(SFTTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            if backend == "trl":
                return answer_loss(model, inputs, num_items_in_batch)
            if not hasattr(self, "fused"):
                self.fused = fused.Model(model, checkpointing)
            return self.fused.loss(inputs["input_ids"][0], inputs["labels"][0], inputs["packed_seq_lengths"].tolist()) / num_items_in_batch

    return OwnLossTrainer


def _arguments(settings: dict, micro: int, backend: str, place: torch.device, seed: int, total_steps: int, folder: Path):
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=settings["batch_size"] // micro,
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(settings["warmup_ratio"] * total_steps),
        optim="adamw_torch_fused" if place.type == "cuda" else "adamw_torch",
        weight_decay=settings["weight_decay"],
        max_grad_norm=settings["max_grad_norm"],
        bf16=place.type == "cuda" and backend != "fused",  # autocast; the fused step chooses its types itself
        use_cpu=place.type == "cpu",
        gradient_checkpointing=False,  # set where the model is loaded, for both backends
        max_length=settings["max_length"],
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="steps",
        save_steps=settings["checkpoint_steps"],
        save_total_limit=1,
        seed=seed,
        data_seed=seed,
        report_to="none",
        disable_tqdm=True,
    )


def train(
    *, base: Path, subset: Path, adapter: Path, report: Path, checkpoint_folder: Path, settings: dict, lora: dict,
    system: str, run: str, model_name: str, seed: int, threads: int, device: str,
) -> dict:  # fmt: skip
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
    models.prepare(seed, threads)
    place = models.device(device)
    backend = choose_backend(settings["backend"], place, AutoConfig.from_pretrained(base, local_files_only=True), settings["packing"])
    packing = choose_packing(settings["packing"], backend, place)
    batch_size = settings["batch_size"]
    micro = settings["micro_batch_size"] or (batch_size if packing else math.gcd(PAPER_MICRO_BATCH, batch_size))
    pairs = read_jsonl(subset)
    model = load_trainable(base, backend, place, lora, settings["max_length"], seed, settings["gradient_checkpointing"])
    tokenizer = models.load_tokenizer(base)
    encoded = encode_pairs(tokenizer, pairs, system, settings["max_length"])
    dataset = Dataset.from_list([{"input_ids": item.input_ids, "labels": item.labels} for item in encoded])
    rows = {tuple(item.input_ids): index for index, item in enumerate(encoded)}
    total_steps = math.ceil(len(pairs) / batch_size) * settings["epochs"]
    mark = checkpoints.fingerprint([settings, lora, system, seed, threads, backend], [base, subset])
    checkpoint_folder.mkdir(parents=True, exist_ok=True)
    fresh = {name: value.detach().cpu().clone() for name, value in model.named_parameters() if value.requires_grad}

    while True:
        resumed = checkpoints.latest(checkpoint_folder, mark)
        trainer = _trainer_class(backend, place, settings["gradient_checkpointing"])(
            model=model, args=_arguments(settings, micro, backend, place, seed, total_steps, checkpoint_folder), train_dataset=dataset,
            processing_class=tokenizer, data_collator=pack if packing else None, callbacks=[checkpoints.SealCallback(mark), _Steps(run)],
        )  # fmt: skip
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
        models.prepare(seed, threads)
        if resumed:
            logger.info("%s: goes on from %s", run, resumed.name)
        started = time.monotonic()
        try:
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
            break
        except torch.OutOfMemoryError as error:
            if micro == 1:
                raise InputError(
                    f"one sample a forward pass does not fit into the GPU's memory ({str(error).splitlines()[0]}): set train.gradient_checkpointing "
                    "to true, lower train.max_length, or raise gpu.memory_limit_gib"
                ) from None
        smaller = next(size for size in range(micro // 2, 0, -1) if batch_size % size == 0)
        logger.warning("%s: out of memory with %d samples a forward pass; again with %d, %d a step as before", run, micro, smaller, batch_size)
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
        for entry in trainer.state.log_history if "loss" in entry
    ]  # fmt: skip
    per_epoch = total_steps // settings["epochs"]
    epoch_loss = [sum(s["loss"] for s in steps[i : i + per_epoch]) / per_epoch for i in range(0, len(steps), per_epoch)]
    trained_steps = total_steps - (int(resumed.name.split("-")[1]) if resumed else 0)
    share = trained_steps / total_steps
    tokens = sum(len(item.input_ids) for item in encoded) * settings["epochs"]
    result = {
        "run": run, "model": model_name, "backend": backend, "device": place.type, "seed": seed, "n": len(pairs), **lora,
        "epochs": settings["epochs"], "effective_batch_size": batch_size, "micro_batch_size": micro, "packing": packing,
        "final_loss": steps[-1]["loss"], "mean_loss": sum(s["loss"] for s in steps) / len(steps), "epoch_loss": epoch_loss,
        "seconds": seconds, "samples_per_second": len(pairs) * settings["epochs"] * share / seconds, "tokens_per_second": tokens * share / seconds,
        "tokens": tokens, "answer_tokens": sum(len(item.input_ids) - item.prompt_tokens for item in encoded) * settings["epochs"],
        "peak_memory_bytes": peak_memory(place), "trainable_parameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "resumed_from": resumed.name if resumed else None, "threads": threads,
        "versions": {name: version(name) for name in VERSIONED} | ({"unsloth": version("unsloth")} if backend == "unsloth" else {}),
        "first_batch": first_batch, "steps": steps,
    }  # fmt: skip
    report.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(checkpoint_folder)
    return result
