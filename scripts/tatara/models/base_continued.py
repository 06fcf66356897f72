"""Continued pretraining of a base model, from one folder into another: what was fetched is not fetched again."""

import json
import shutil
from pathlib import Path

import torch

from tatara.models import loading, model_files, pretraining
from tatara.models.base_record import write_record
from tatara.models.tokenizer import load_tokenizer


def continue_pretraining(
    source: Path,
    folder: Path,
    settings: dict,
    *,
    texts: list[str],
    held_out: list[str],
    threads: int,
    device: str = "auto",
) -> dict:
    """Go on pretraining the model in `source` on the texts, all weights; write it into `folder`.

    Args:
        held_out: texts that it is measured on, before and after, and not trained on; may be empty.

    Returns:
        The steps and losses in nats per token.
    """
    loading.prepare(settings["seed"], threads)
    tokenizer = load_tokenizer(source)
    model = loading.load_model(source, loading.device(device), torch.float32)
    block = settings["block"]
    before = pretraining.held_out_loss(model, tokenizer, held_out, block) if held_out else None
    losses = pretraining.pretrain(model, tokenizer, texts, settings)
    known = {"steps": settings["steps"], "first_loss": losses[0], "last_loss": losses[-1]}
    if before:
        known |= {
            "held_out_before": before,
            "held_out": pretraining.held_out_loss(model, tokenizer, held_out, block),
        }
    folder.mkdir(parents=True, exist_ok=True)
    for name in model_files.beside(path.name for path in source.iterdir()):
        if name != model_files.INDEX:  # save_pretrained writes one where it needs one
            shutil.copyfile(source / name, folder / name)
    model.to("cpu", torch.bfloat16).save_pretrained(folder)
    return known


def build(
    *, name: str, source: Path, settings: dict, texts: list[str], held_out: list[str], folder: Path, threads: int
) -> None:
    """Continue the model in `source`, whose base.json says where it is from, and record both."""
    continued = continue_pretraining(source, folder, settings, texts=texts, held_out=held_out, threads=threads)
    record = json.loads((source / "base.json").read_text(encoding="utf-8"))
    kind = record.pop("source")
    write_record(folder, record.pop("model"), kind, record | {"continued": continued})
