"""Likelihood of the reference answers and of the probe's options by transformers: a base, adapted or not."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from tatara.evaluate.nats import Pieces, in_pieces
from tatara.evaluate.nll import score, write_nll
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_transformers import transformers_score
from tatara.files.probe_file import write_probe
from tatara.models import loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def transformers_pieces(model) -> Pieces:
    """Return a model's logits in pieces; those before are left out where its class can."""
    cuts = loading.cuts_logits(model)

    def pieces(ids: list[int], start: int) -> Iterator[torch.Tensor]:
        kept = {"logits_to_keep": len(ids) - start + 1} if cuts else {}
        with loading.inference():
            logits = model(input_ids=torch.tensor([ids], device=model.device), **kept).logits[0]
            yield from in_pieces(logits[-(len(ids) - start + 1) : -1].float())

    return pieces


def nll_adapter(
    *,
    base: Path,
    adapter: Path | None,
    rows: list[dict],
    items: list[dict],
    output: Path,
    probe: Path,
    name: str,
    model: str,
    conversation: Conversation,
    precision: str,
    threads: int,
    development: Sequence[dict] = (),
    device: str = "auto",
) -> dict:
    """Measure an adapter on its base, the very model that was trained, or the base alone where there is no adapter.

    Returns what the NLL file holds.

    Args:
        rows, development: questions of the test set, and those on which the size is selected.
        items: of the probe.
        output, probe: the NLL file and the probe file to write.
        precision: `train.base_precision`.
        name, model: of the run or the evaluated model, and id of the model in the config.
    """
    loading.prepare(0, threads)
    loaded = loading.load_adapted(base, adapter, loading.device(device), precision)
    tokenizer, pieces = load_tokenizer(base), transformers_pieces(loaded)
    questions = score(tokenizer, rows, conversation, name, pieces)
    more = score(tokenizer, list(development), conversation, f"{name}, development questions", pieces)
    write_probe(probe, Probe(tokenizer, items, conversation).rows(name, transformers_score(loaded)))
    return write_nll(output, name, model, questions, more)
