"""Likelihood of the reference answers and of the probe's options by transformers: a base, adapted or not."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import torch

from tatara.evaluate.nats import Logits
from tatara.evaluate.nll import score, write_nll
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_transformers import transformers_score
from tatara.files.probe_file import write_probe
from tatara.models import loading
from tatara.models.chat_template import Conversation


def transformers_logits(model) -> Logits:
    """Return a function from token ids to logits (tokens, vocabulary) in float32."""

    def logits(ids: list[int]) -> numpy.ndarray:
        with loading.inference():
            return model(input_ids=torch.tensor([ids], device=model.device)).logits[0].float().cpu().numpy()

    return logits


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
    place = loading.device(device)
    loaded = (
        loading.load_adapted(base, adapter, place, precision) if adapter else loading.load_base(base, place, precision)
    )
    tokenizer, logits = loading.load_tokenizer(base), transformers_logits(loaded)
    questions = score(tokenizer, rows, conversation, name, logits)
    more = score(tokenizer, list(development), conversation, f"{name}, development questions", logits)
    write_probe(probe, Probe(tokenizer, items, conversation).rows(name, transformers_score(loaded)))
    return write_nll(output, name, model, questions, more)
