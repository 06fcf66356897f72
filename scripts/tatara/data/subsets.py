"""Undersampling by relation type (paper §4.2) and nested subsets of the pool (paper §4.3)."""

import random
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

from tatara.data.schema import nearest
from tatara.data.strata import choose
from tatara.job.errors import InputError, raise_problems

KEYS = ("id", "relation_type", "version", "intent")  # what an order of pairs rests on


def _check_shares(key: str, shares: dict[str, float], counts: dict[str, int], problems: list[str]) -> None:
    for type_, share in shares.items():
        if type_ not in counts:
            problems.append(
                f"config key rebalance.{key}.{type_}: no QA pair has this relation type{nearest(type_, counts)}"
            )
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            problems.append(f"config key rebalance.{key}.{type_}: expected a number from 0 to 1, found {share!r}")


def _part(count: int, share: float) -> int:
    """Return a share of a count, halves rounded up.

    It is decimal, since 0.7 × 1,365 is 955.5 and not the 955.4999… of floats.
    """
    return int((count * Decimal(str(share))).quantize(Decimal(1), ROUND_HALF_UP))


def _solve_shares(counts: dict[str, int], target_share: dict[str, float]) -> dict[str, int]:
    """Return how many pairs of each type stay so that every named type has its share of what stays.

    With R pairs of the other types, the whole is N = R / (1 - sum of shares), and a type keeps share × N.
    """
    rest = sum(count for type_, count in counts.items() if type_ not in target_share)
    total_share = sum(Decimal(str(share)) for share in target_share.values())
    if (rest and total_share >= 1) or (not rest and total_share != 1):
        raise InputError(
            f"config key rebalance.target_share: the shares add up to {total_share}; expected "
            + (
                "less than 1, since the other relation types keep their pairs"
                if rest
                else "1, since every relation type is named"
            )
        )
    whole = (
        rest / (1 - total_share)
        if rest
        else min(counts[type_] / Decimal(str(share)) for type_, share in target_share.items() if share)
    )
    kept = {
        type_: int((whole * Decimal(str(share))).quantize(Decimal(1), ROUND_HALF_UP))
        for type_, share in target_share.items()
    }
    problems = [
        f"config key rebalance.target_share.{type_}: {target_share[type_]} asks for {count} of {whole:.0f} pairs, "
        f"there are {counts[type_]}; "
        "undersampling only removes pairs, so ask for a smaller share or name the types that are to shrink"
        for type_, count in kept.items()
        if count > counts[type_]
    ]
    raise_problems(problems)
    return kept


def _keep(rows: list[dict], count: int, uses: Counter, generator: random.Random) -> list[dict]:
    """Return `count` rows in their order, of every version and intent in proportion.

    What is removed are, one after another, pairs whose facts are met most often elsewhere; a seeded choice decides
    between pairs that are alike in this, and between pairs without facts.
    """
    kept = {row["id"] for row in choose(rows, count, generator)}
    strata = defaultdict(list)
    for row in rows:
        strata[row["version"], row["intent"]].append(row)
    stay = set()
    for group in strata.values():
        left = generator.sample(group, len(group))
        for _ in range(sum(row["id"] not in kept for row in group)):
            most = max(left, key=lambda row: min((uses[fact] for fact in _facts(row)), default=0))
            left.remove(most)
            uses.subtract(_facts(most))
        stay.update(row["id"] for row in left)
    return [row for row in rows if row["id"] in stay]


def _facts(row: dict) -> list[str]:
    return [name.partition(":")[0] for name in row.get("facts", [])]


def rebalance(
    pairs: list[dict], retain: dict[str, float] | None, target_share: dict[str, float] | None, seed: int
) -> list[dict]:
    """Return the pool: of some relation types pairs are removed.

    The choice is seeded, and keeps versions and intents in proportion; facts that are met rarely stay.

    Args:
        retain: relation type -> the part of its pairs that stays, halves rounded up.
        target_share: relation type -> its share of the pool; several are solved at once, after `retain`.

    Raises:
        InputError: an unknown type, a number outside 0..1, a type in both, shares that undersampling cannot reach.
    """
    retain, target_share = retain or {}, target_share or {}
    counts = dict(Counter(pair["relation_type"] for pair in pairs))
    problems: list[str] = []
    _check_shares("retain", retain, counts, problems)
    _check_shares("target_share", target_share, counts, problems)
    both = sorted(retain.keys() & target_share.keys())
    problems += [
        f"config key rebalance: {type_} stands in retain and in target_share; name it in one" for type_ in both
    ]
    raise_problems(problems)
    kept = {type_: _part(count, retain[type_]) if type_ in retain else count for type_, count in counts.items()}
    if target_share:
        kept |= _solve_shares(kept, target_share)
    by_type = defaultdict(list)
    for pair in pairs:
        by_type[pair["relation_type"]].append(pair)
    stay, uses = set(), Counter(fact for pair in pairs for fact in _facts(pair))
    for type_, rows in by_type.items():
        chosen = rows if kept[type_] == len(rows) else _keep(rows, kept[type_], uses, random.Random(f"{seed} {type_}"))
        stay.update(row["id"] for row in chosen)
    return [pair for pair in pairs if pair["id"] in stay]


def _interleave(groups: dict[object, list]) -> list:
    """Return the members of all groups in one order of which every prefix has each group in proportion.

    Member i of a group of c stands at (i + 1/2) / c, which is the order in which Sainte-Laguë's method gives seats.
    """
    places = [
        ((2 * i + 1) / len(group), number, i) for number, group in enumerate(groups.values()) for i in range(len(group))
    ]
    members = list(groups.values())
    return [members[number][i] for _, number, i in sorted(places)]


def order_pool(pool: list[dict], seed: int) -> list[dict]:
    """Return the pool in a seeded order: every prefix is stratified by relation type, version and intent."""
    rows = sorted(pool, key=lambda row: row["id"])
    random.Random(seed).shuffle(rows)
    strata: dict[str, dict[tuple, list]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        strata[row["relation_type"]][row["version"], row["intent"]].append(row)
    return _interleave({type_: _interleave(groups) for type_, groups in strata.items()})


def nested_subsets(pool: list[dict], sizes: list[int], seed: int) -> dict[int, list[dict]]:
    """Return a subset of each size; each is the beginning of the next, and depends on pool, size and seed alone.

    Raises:
        InputError: a size that is no positive whole number, stands twice, or exceeds the pool.
    """
    problems = [
        f"config key subsets.sizes: {n!r} is not a positive whole number" for n in sizes if type(n) is not int or n < 1
    ]
    problems += [
        f"config key subsets.sizes: {n} is larger than the pool, which has {len(pool)} pairs"
        for n in sizes
        if type(n) is int and n > len(pool)
    ]
    problems += [
        f"config key subsets.sizes: {n} stands {times} times" for n, times in Counter(sizes).items() if times > 1
    ]
    raise_problems(problems)
    order = order_pool(pool, seed)
    return {n: order[:n] for n in sorted(sizes)}
