"""How far one model's distribution over the next token lies from another's, token by token. numpy alone, one text at a time."""

import numpy


def log_softmax(logits: numpy.ndarray) -> numpy.ndarray:
    """Return log probabilities of logits (tokens, vocabulary), in the precision of the input."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True, dtype=numpy.float64)).astype(shifted.dtype)


def nats(log_probabilities: numpy.ndarray, targets: list[int]) -> float:
    """Return the negative log-likelihood of the tokens that stand there; row i predicts target i."""
    return -float(log_probabilities[numpy.arange(len(targets)), targets].sum(dtype=numpy.float64))


def kl(reference: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return KL(reference || other) in nats, summed over the tokens.

    Args:
        reference, other: log probabilities (tokens, vocabulary); in float32 a token's figure is right to about 3e-7 nats.
    """
    return float((numpy.exp(reference) * (reference - other)).sum(dtype=numpy.float64))


def same_top(reference: numpy.ndarray, other: numpy.ndarray) -> int:
    """Return for how many tokens both hold the same token most likely."""
    return int((reference.argmax(axis=-1) == other.argmax(axis=-1)).sum())
