"""The trainer of each backend, its loss and its settings."""

import logging
import math
import time
from pathlib import Path

import torch
from transformers import TrainerCallback

from tatara.models import chat
from tatara.train import fused

logger = logging.getLogger("tatara")


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
            left = (
                (now - self.start) / max(1, state.global_step - self.first_step) * (state.max_steps - state.global_step)
            )
            logger.info(
                "%s: step %d of %d, loss %.3f, about %d s left",
                self.run,
                state.global_step,
                state.max_steps,
                logs["loss"],
                left,
            )


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
            return (
                self.fused.loss(inputs["input_ids"][0], inputs["labels"][0], inputs["packed_seq_lengths"].tolist())
                / num_items_in_batch
            )

    return OwnLossTrainer


def _arguments(
    settings: dict, micro: int, backend: str, place: torch.device, seed: int, total_steps: int, folder: Path
):
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
