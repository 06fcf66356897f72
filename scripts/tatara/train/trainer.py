"""The trainer of each backend, its loss and its settings."""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PrinterCallback, TrainerCallback

from tatara.models import chat
from tatara.train import checkpoints, fused
from tatara.train.samples import Samples, pack

logger = logging.getLogger("tatara")
LOG_SECONDS = 10  # between two lines of progress


@dataclass(frozen=True)
class Plan:
    """What is decided of a training run before its model is loaded.

    Attributes:
        run: its name, for the log.
        settings: the `train` section of the config.
        packing: whether the samples of a forward pass lie in one row.
        micro_batch_size: samples a forward pass, before memory runs out.
        total_steps: optimizer steps of all epochs.
        checkpoint_folder: where checkpoints lie until the run is done.
        fingerprint: digest of what decides the outcome; a checkpoint of another one is not taken up.
    """

    run: str
    settings: dict
    backend: str
    place: torch.device
    packing: bool
    micro_batch_size: int
    total_steps: int
    seed: int
    threads: int
    checkpoint_folder: Path
    fingerprint: str


class ProgressLog(TrainerCallback):
    """Logs how far training is, its loss and the time that is left."""

    def __init__(self, run: str):
        self.run, self.last, self.start = run, 0.0, time.monotonic()
        self.first_step = None

    def on_log(self, args, state, control, logs=None, **keywords):
        now, step = time.monotonic(), state.global_step
        if self.first_step is None:
            self.first_step = step - 1
        if logs and "loss" in logs and now - self.last >= LOG_SECONDS:
            self.last = now
            left = (now - self.start) / max(1, step - self.first_step) * (state.max_steps - step)
            message = "%s: step %d of %d, loss %.3f, about %d s left"
            logger.info(message, self.run, step, state.max_steps, logs["loss"], left)


def answer_loss(model, inputs: dict, tokens: torch.Tensor | int | None) -> torch.Tensor:
    """Return the cross-entropy over answer tokens in nats, summed and divided by `tokens` (or by their count).

    The logits are the model's own, scaled or capped where its class does so; those of places where no sample has an
    answer token are not computed, so a long prompt costs no vocabulary-sized rows.
    """
    targets = inputs["labels"][:, 1:]
    carrying = targets != chat.IGNORED
    places = carrying.any(0).nonzero().flatten()
    passed = {key: value for key, value in inputs.items() if key in ("input_ids", "attention_mask", "position_ids")}
    logits = model(**passed, use_cache=False, logits_to_keep=places).logits
    targets, carrying = targets[:, places], carrying[:, places]
    total = torch.nn.functional.cross_entropy(logits[carrying].float(), targets[carrying], reduction="sum")
    return total / (carrying.sum() if tokens is None else tokens)


def trainer_class(backend: str, place: torch.device, checkpointing: bool):
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
            return (
                self.fused.loss(inputs["input_ids"][0], inputs["labels"][0], inputs["packed_seq_lengths"].tolist())
                / num_items_in_batch
            )

    return OwnLossTrainer


def arguments(plan: Plan, micro_batch_size: int):
    """Return TRL's settings of a training run."""
    from trl import SFTConfig

    settings, gpu = plan.settings, plan.place.type == "cuda"
    return SFTConfig(
        output_dir=str(plan.checkpoint_folder),
        per_device_train_batch_size=micro_batch_size,
        gradient_accumulation_steps=settings["batch_size"] // micro_batch_size,
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(settings["warmup_ratio"] * plan.total_steps),
        optim="adamw_torch_fused" if gpu else "adamw_torch",
        weight_decay=settings["weight_decay"],
        max_grad_norm=settings["max_grad_norm"],
        bf16=gpu and plan.backend != "fused",  # autocast; the fused step chooses its types itself
        use_cpu=not gpu,
        gradient_checkpointing=False,  # set where the model is loaded, for each backend
        max_length=settings["max_length"],
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="steps",
        save_steps=settings["checkpoint_steps"],
        save_total_limit=1,
        seed=plan.seed,
        data_seed=plan.seed,
        report_to="none",
        disable_tqdm=True,
    )


def make_trainer(plan: Plan, model, samples: Samples, micro_batch_size: int):
    """Return a trainer that seals its checkpoints and logs its progress."""
    trainer = trainer_class(plan.backend, plan.place, plan.settings["gradient_checkpointing"])(
        model=model,
        args=arguments(plan, micro_batch_size),
        train_dataset=samples.dataset(),
        processing_class=samples.tokenizer,
        data_collator=pack if plan.packing else None,
        callbacks=[checkpoints.SealCallback(plan.fingerprint), ProgressLog(plan.run)],
    )
    if plan.backend != "unsloth":
        # TRL casts the adapter to bf16, a resumed run would load it in float32 and end elsewhere: float32 for both.
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    trainer.remove_callback(PrinterCallback)  # ProgressLog says it in one line
    return trainer
