"""Likelihood of the reference answers by transformers: an adapter on the base that it was trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import torch

from tatara.evaluate.nats import Logits
from tatara.evaluate.nll import score, write_nll
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
    adapter: Path,
    rows: list[dict],
    output: Path,
    name: str,
    model: str,
    conversation: Conversation,
    precision: str,
    threads: int,
    development: Sequence[dict] = (),
    device: str = "auto",
) -> dict:
    """Measure an adapter on its base, the very model that was trained, and return what the NLL file holds.

    Args:
        rows, development: questions of the test set, and those on which the size is selected.
        precision: `train.base_precision`.
        name, model: of the run or the evaluated model, and id of the model in the config.
    """
    loading.prepare(0, threads)
    loaded = loading.load_adapted(base, adapter, loading.device(device), precision)
    tokenizer, logits = loading.load_tokenizer(base), transformers_logits(loaded)
    questions = score(tokenizer, rows, conversation, name, logits)
    more = score(tokenizer, list(development), conversation, f"{name}, development questions", logits)
    return write_nll(output, name, model, questions, more)
