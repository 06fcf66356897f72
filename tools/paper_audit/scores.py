"""What follows from how often each score was given, and how large a model is by its configuration."""

import math

from paper_audit.checks import SCORES


def mean_error(counts: dict) -> float:
    """Return the standard error of the mean score of 100 answers, from a row of Table 4."""
    total = sum(counts[f"score{score}"] for score in SCORES)
    mean = sum(score * counts[f"score{score}"] for score in SCORES) / total
    squares = sum(counts[f"score{score}"] * (score - mean) ** 2 for score in SCORES)
    return math.sqrt(squares / (total - 1)) / 10


def possible_counts(mean: float, perfect: float, zeros: float | None) -> str | None:
    """Return counts of the scores 3, 2, 1, 0 of 100 answers with this mean and perfect rate; None where none has.

    Args:
        zeros: how often score 0 was given; None where the paper does not say.
    """
    points, threes = round(100 * mean), round(100 * perfect)
    for none in range(0, 101 - threes) if zeros is None else [int(zeros)]:
        twos = points - 3 * threes - (100 - threes - none)
        ones = 100 - threes - none - twos
        if twos >= 0 and ones >= 0:
            return f"{threes}, {twos}, {ones}, {none}"
    return None


def parameters(shape: dict) -> int:
    """Return how many weights a Llama- or Qwen2-shaped model has by its configuration; its embeddings are not tied."""
    d, kv, f = shape["hidden_size"], shape["kv_heads"] * shape["head_size"], shape["intermediate_size"]
    attention = 2 * d * shape["heads"] * shape["head_size"] + 2 * d * kv
    biases = (shape["heads"] * shape["head_size"] + 2 * kv) * int(shape["qkv_bias"])
    return int(shape["layers"] * (attention + biases + 3 * d * f + 2 * d) + 2 * shape["vocabulary"] * d + d)
