"""Nats of some of a text's tokens, from a model's logits."""

from collections.abc import Callable

import numpy
import torch

Logits = Callable[[list[int]], numpy.ndarray]  # token ids -> (tokens, vocabulary); row i predicts token i + 1


def nats_of(logits: Logits, ids: list[int], start: int) -> float:
    """Return the negative log-likelihood in nats of the tokens from place `start` (at least 1) on."""
    scores = torch.as_tensor(numpy.asarray(logits(ids)[start - 1 : -1]), dtype=torch.float64)
    return torch.nn.functional.cross_entropy(scores, torch.tensor(ids[start:]), reduction="sum").item()
