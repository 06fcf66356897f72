"""Options of multiple-choice items such that how often a text occurs says nothing about what is right.

Of n items with one right text each, every text is offered four times as often as it is right: once where it is right,
three times where it is wrong. Whoever knows frequencies alone gets one item in four.
"""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

OPTIONS = 4
TRIES = 200  # repairs of one round, as a multiple of the items, before items are given up


def _thinned(right: list[Hashable], generator: random.Random) -> list[int]:
    """Return the items that can stay: a text that is right in more than every fourth item cannot be offered evenly."""
    kept = list(range(len(right)))
    while kept:
        counts = Counter(right[item] for item in kept)
        text, count = max(counts.items(), key=lambda entry: entry[1])
        if OPTIONS * count <= len(kept):
            return kept
        kept.remove(generator.choice([item for item in kept if right[item] == text]))
    return kept


def _derangement(
    items: list[int], fits: Callable[[int, int], bool], generator: random.Random
) -> tuple[dict[int, int], set[int]]:
    """Return item -> item whose right text it offers as a wrong one, each used once; and the items without a fit.

    Two items exchange what they offer as long as one that does not fit gains by it.
    """
    offered = dict(zip(items, generator.sample(items, len(items)), strict=True))
    wrong = {item for item in items if not fits(item, offered[item])}
    for _ in range(TRIES * len(items)):
        if not wrong:
            break
        item = generator.choice(sorted(wrong))
        other = generator.choice(items)
        now = fits(item, offered[item]) + fits(other, offered[other])
        then = fits(item, offered[other]) + fits(other, offered[item])
        if then > now:
            offered[item], offered[other] = offered[other], offered[item]
            for one in (item, other):
                (wrong.discard if fits(one, offered[one]) else wrong.add)(one)
    return offered, wrong


def _rounds(
    kept: list[int], right: Sequence[Hashable], forbidden: Callable[[int, Hashable], bool], generator: random.Random
) -> tuple[dict[int, list[Hashable]], set[int]]:
    """Return item -> its wrong texts after as many rounds as there are wrong options, and the items without a fit."""
    chosen: dict[int, list[Hashable]] = {item: [] for item in kept}

    def fits(item: int, other: int) -> bool:
        text = right[other]
        return text != right[item] and text not in chosen[item] and not forbidden(item, text)

    for _ in range(OPTIONS - 1):
        offered, failed = _derangement(kept, fits, generator)
        if failed:
            return chosen, failed
        for item, other in offered.items():
            chosen[item].append(right[other])
    return chosen, set()


def balanced_options(
    right: Sequence[Hashable], forbidden: Callable[[int, Hashable], bool], seed: object
) -> dict[int, list[Hashable]]:
    """Return item -> its wrong texts, OPTIONS - 1 of them, for as many items as can be balanced.

    Args:
        right: the right text of each item.
        forbidden: whether a text would be right in an item as well.
        seed: of the choice.
    """
    generator = random.Random(str(seed))
    kept = _thinned(list(right), generator)
    while len(kept) >= OPTIONS:
        chosen, failed = _rounds(kept, right, forbidden, generator)
        if not failed:
            return chosen
        kept = [item for item in kept if item not in failed]
        kept = [kept[place] for place in _thinned([right[item] for item in kept], generator)]
    return {}
