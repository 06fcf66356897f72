"""Where two sequences differ: tokens of two answers, texts of their tokens."""

from collections.abc import Sequence


def first_difference(one: Sequence, other: Sequence) -> int | None:
    """Return the first place where two sequences differ, None where they are equal; a shorter one ends there."""
    if one == other:
        return None
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
