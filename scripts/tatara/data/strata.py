"""Choices that keep every version and intent of the templates in proportion."""

import random
from collections import defaultdict
from collections.abc import Callable


def _stratum(row: dict) -> tuple:
    return row["version"], row["intent"]


def apportion(weights: dict, total: int, least: int = 0) -> dict:
    """Share a whole number out in proportion to weights (largest remainders), each getting `least` first where it can.

    Args:
        weights: key -> how many there are; no key gets more than that.
        total: at most the sum of the weights.
    """
    shares = (
        {key: min(least, weight) for key, weight in weights.items()}
        if least * len(weights) <= total
        else dict.fromkeys(weights, 0)
    )
    rest = total - sum(shares.values())
    room = {key: weight - shares[key] for key, weight in weights.items()}
    free = sum(room.values())
    exact = {key: rest * room[key] / free if free else 0.0 for key in weights}
    shares = {key: shares[key] + int(exact[key]) for key in weights}
    order = sorted(weights, key=lambda key: (int(exact[key]) - exact[key], str(key)))
    for key in order[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def choose(rows: list, count: int, generator: random.Random, stratum: Callable[[object], tuple] = _stratum) -> list:
    """Return `count` rows in their order, drawn from every version and intent in proportion, at least one of each."""
    strata = defaultdict(list)
    for index, row in enumerate(rows):
        strata[stratum(row)].append(index)
    shares = apportion({key: len(indices) for key, indices in strata.items()}, count, least=1)
    kept = [index for key in strata for index in generator.sample(strata[key], shares[key])]
    return [rows[index] for index in sorted(kept)]
