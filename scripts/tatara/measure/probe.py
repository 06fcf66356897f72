"""What a model gets right in the probe, and how two of them differ over the same items.

Items of one node of the graph hang together, so intervals draw nodes; McNemar's test is over items.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tatara.files.probe_file import read_probe
from tatara.job.errors import InputError
from tatara.measure.stats import UNKNOWN, Interval, Ratio, Resampling, bootstrap_ratio, mcnemar, paired_difference

KINDS = ("forward", "backward", "chained", "number", "term")


@dataclass(frozen=True)
class Answer:
    """What a model makes of one item.

    Attributes:
        kind, type: of the item; node: its cluster.
        taught: False for a relation that is in no training pair.
        right: whether the question adds most to the likelihood of the true option.
        plain: whether the true option is the likeliest one after the question.
        without: whether it is where nothing in particular is asked.
    """

    kind: str
    type: str
    node: str
    taught: bool
    right: bool
    plain: bool
    without: bool


Answers = dict[str, Answer]  # by item id


def likeliest(nats: Sequence[float]) -> int:
    """Return the option that a model takes, the first of those that are equally likely."""
    return min(range(len(nats)), key=nats.__getitem__)


def added(nats: Sequence[float], without: Sequence[float]) -> list[float]:
    """Return the nats of each option after the question less those where nothing is asked: the less, the more the
    question adds to its likelihood (pointwise mutual information; Holtzman et al. 2021, eq. 4).
    """
    return [one - other for one, other in zip(nats, without, strict=True)]


def read_answers(paths: Iterable[Path | str]) -> dict[str, Answers]:
    """Return name -> answers of probe files, all over the same items; none for any name where a domain is too small to
    have items.

    Raises:
        InputError: files over different items.
    """
    found: dict[str, Answers] = {}
    for path in paths:
        for name, rows in read_probe(path).items():
            found[name] = {
                row["id"]: Answer(
                    *(row[key] for key in ("kind", "type", "node", "taught")),
                    *(
                        likeliest(nats) == row["answer"]
                        for nats in (added(row["nats"], row["nats_without"]), row["nats"], row["nats_without"])
                    ),
                )
                for row in rows
            }
            first = next(iter(found))
            if found[name].keys() != found[first].keys():
                raise InputError(
                    f"{path}: not the items that {first} was probed with; delete the file that is out of date and run "
                    "again"
                )
    return found or defaultdict(dict)


def chosen(answers: Answers, choose: Callable[[Answer], bool]) -> Answers:
    """Return the answers to some of the items."""
    return {id_: answer for id_, answer in answers.items() if choose(answer)}


def taught(answers: Answers) -> Answers:
    """Return the answers to items that training pairs may teach."""
    return chosen(answers, lambda answer: answer.taught)


def held_out(answers: Answers) -> Answers:
    """Return the answers to items of relations that no training pair teaches."""
    return chosen(answers, lambda answer: not answer.taught)


def _by_node(several: Sequence[Answers], by: str = "right") -> Ratio:
    right, items = defaultdict(float), defaultdict(float)
    for answers in several:
        for answer in answers.values():
            right[answer.node] += getattr(answer, by)
            items[answer.node] += 1
    return Ratio(list(right.values()), list(items.values()))


def accuracy(several: Sequence[Answers], resampling: Resampling, by: str = "right") -> Interval:
    """Return the share of items answered right, of one model or over several seeds, with an interval clustered by node.

    Args:
        several: answers to the same items, one entry a seed.
        by: `right`, `plain` or `without` of an answer.
    """
    ratio = _by_node(several, by)
    return bootstrap_ratio(*ratio, resampling) if ratio.denominators else UNKNOWN


def difference(one: Answers, other: Answers, resampling: Resampling) -> tuple[Interval, float]:
    """Return how much more often the first is right, with its interval clustered by node, and McNemar's p-value; NaN
    where there are no items.
    """
    ids = list(one)
    if not ids:
        return UNKNOWN, math.nan
    sides = _by_node([one]), _by_node([{id_: other[id_] for id_ in ids}])
    return paired_difference(*sides, resampling), mcnemar(
        [one[id_].right for id_ in ids], [other[id_].right for id_ in ids]
    )
