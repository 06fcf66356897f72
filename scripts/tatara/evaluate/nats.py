"""Nats of some of a text's tokens, from a model's logits in pieces."""

from collections.abc import Callable, Iterator

import numpy
import torch

LOGITS = 2**25  # most logits of a piece of transformers': 256 MiB in float64, whatever the vocabulary


# token ids, place of the first token that is asked for (at least 1) -> logits (tokens, vocabulary) in pieces, of which
# row after row predicts that token and those that follow; a piece holds until the next one is taken
Pieces = Callable[[list[int], int], Iterator[torch.Tensor | numpy.ndarray]]


def in_pieces(logits: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield logits (tokens, vocabulary) a few tokens at a time."""
    yield from logits.split(max(1, LOGITS // logits.shape[-1]))


def nats_of_row(logits: numpy.ndarray, targets: list[int]) -> list[float]:
    """Return the nats of tokens as the next one, from logits (vocabulary) on the host.

    Exponentials are taken in float32, in place, and summed in float64: right to about 1e-7 nats, at a thirteenth of
    float64's time for a vocabulary of 262,144.
    """
    top = logits.max()
    powers = logits - top
    numpy.exp(powers, out=powers)
    whole = numpy.log(powers.sum(dtype=numpy.float64)) + float(top)
    return (whole - logits[targets].astype(numpy.float64)).tolist()


def nats_of(pieces: Pieces, ids: list[int], start: int) -> float:
    """Return the negative log-likelihood in nats of the tokens from place `start` (at least 1) on.

    It is computed where the logits lie: of a vocabulary of 262,144 none but the sum leaves a GPU.
    """
    total, place = 0.0, start
    for piece in pieces(ids, start):
        if isinstance(piece, numpy.ndarray):
            rows = zip(piece, ids[place : place + len(piece)], strict=True)
            total += sum(nats_of_row(row, [target])[0] for row, target in rows)
            place += len(piece)
            continue
        scores = piece.double()
        targets = torch.tensor(ids[place : place + len(scores)], device=scores.device)
        total += torch.nn.functional.cross_entropy(scores, targets, reduction="sum").item()
        place += len(scores)
    return total
