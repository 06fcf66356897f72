"""Likelihood of the reference answers by transformers: an adapter on its NF4 base."""

from pathlib import Path

import numpy
import torch

from tatara.evaluate.nll import Logits, score, write_nll
from tatara.models import loading


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
    system: str,
    threads: int,
    device: str = "auto",
) -> dict:
    """Measure an adapter on its NF4 base, the very model that was trained, and return what the NLL file holds.

    Args:
        rows: questions of the test set.
        name, model: of the run or the evaluated model, and id of the model in the config.
    """
    loading.prepare(0, threads)
    loaded = loading.load_nf4(base, loading.device(device), adapter)
    questions = score(loading.load_tokenizer(base), rows, system, name, transformers_logits(loaded))
    return write_nll(output, name, model, questions)
