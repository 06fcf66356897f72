"""How far one model's distribution over the next token lies from another's, token by token. numpy alone, one text at a
time.
"""

from collections.abc import Iterator, Sequence

import numpy

# tokens at a time: what lies between the steps stays in the processor's caches, where a whole text of a large
# vocabulary would not
ROWS = 16


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, count, ROWS))


def in_parts(rows: Sequence) -> list[Sequence]:
    """Return rows cut into parts of as many tokens as are computed at a time."""
    return [rows[part] for part in _parts(len(rows))]


def log_softmax(logits: numpy.ndarray) -> numpy.ndarray:
    """Return log probabilities of logits (tokens, vocabulary), in the precision of the input."""
    result = numpy.empty_like(logits)
    for part in _parts(len(logits)):
        shifted = logits[part] - logits[part].max(axis=-1, keepdims=True)
        result[part] = shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True, dtype=numpy.float64)).astype(
            shifted.dtype
        )
    return result


def nats(log_probabilities: numpy.ndarray, targets: list[int]) -> float:
    """Return the negative log-likelihood of the tokens that stand there; row i predicts target i."""
    return -float(log_probabilities[numpy.arange(len(targets)), targets].sum(dtype=numpy.float64))


def kl(reference: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return KL(reference || other) in nats, summed over the tokens.

    Args:
        reference, other: log probabilities (tokens, vocabulary); in float32 a token's figure is right to about 3e-7
            nats, in float64 to the last digits.
    """
    return sum(
        float((numpy.exp(reference[part]) * (reference[part] - other[part])).sum(dtype=numpy.float64))
        for part in _parts(len(reference))
    )


def same_top(reference: numpy.ndarray, other: numpy.ndarray) -> int:
    """Return for how many tokens both hold the same token most likely."""
    return int((reference.argmax(axis=-1) == other.argmax(axis=-1)).sum())
