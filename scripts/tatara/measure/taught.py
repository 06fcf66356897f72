"""What was taught of each question, and how many of its facts an answer holds: fact recall, which needs no judge."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tatara.data.questions import has_fact
from tatara.files.jsonl import read_jsonl
from tatara.files.normalise import squeeze
from tatara.measure.results import read_json
from tatara.measure.stats import UNKNOWN, Interval, Ratio, Resampling, bootstrap_ratio, proportion

GROUPS = ("taught", "partly", "untaught")  # of questions: all of their facts, some, none


@dataclass(frozen=True)
class Taught:
    """What the training pairs hold of one question.

    Attributes:
        group: one of GROUPS.
        facts: places of the taught facts in the question's list.
        pairs: by how many pairs each of its facts is taught, 0 for one that is not.
    """

    group: str
    facts: frozenset[int]
    pairs: tuple[int, ...]


def _numbers(field: str) -> tuple[int, ...]:
    return tuple(map(int, filter(None, field.split(";"))))


def read_coverage(path: Path | str, n: int) -> dict[str, Taught]:
    """Return question id -> what the subset of `n` pairs teaches of it, from testset/coverage.csv."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Taught(row["question"], frozenset(_numbers(row["taught_facts"])), _numbers(row["pairs"]))
            for row in csv.DictReader(file)
            if row["n"] == str(n)
        }


@dataclass(frozen=True)
class Required:
    """What the test questions require, and what the training pairs hold of it.

    Attributes:
        facts: question id -> its facts, each a list of accepted wordings.
        taught: question id -> what is taught of it.
    """

    facts: dict[str, list[list[str]]]
    taught: dict[str, Taught]


def read_required(testset: Path | str, coverage: Path | str, selected: Path | str) -> Required:
    """Return what test_set_200.jsonl requires, and what the subset of the selected size teaches of it.

    Args:
        testset, coverage, selected: test_set_200.jsonl, testset/coverage.csv, scale/selected.json.
    """
    facts = {row["id"]: row["facts"] for row in read_jsonl(testset)}
    return Required(facts, read_coverage(coverage, read_json(selected)["n"]))


def fact_counts(answers: Iterable[dict], required: Required) -> dict[bool, dict[str, tuple[int, int]]]:
    """Return taught or not -> question id -> (facts that the answer holds, facts), of questions that have such facts.

    Args:
        answers: rows with id and answer.
    """
    counts: dict[bool, dict[str, tuple[int, int]]] = {True: {}, False: {}}
    for row in answers:
        held: dict[bool, list[bool]] = {True: [], False: []}
        for place, wordings in enumerate(required.facts[row["id"]]):
            held[place in required.taught[row["id"]].facts].append(has_fact(row["answer"], wordings))
        for is_taught, hits in held.items():
            if hits:
                counts[is_taught][row["id"]] = (sum(hits), len(hits))
    return counts


@dataclass(frozen=True)
class Said:
    """What answers hold of the facts that a number of pairs teaches.

    Attributes:
        counts: question id -> (facts that its answer holds, facts).
        elsewhere: of each of these facts the share of the other questions' answers that hold it, which is chance; none
            for a single question.
    """

    counts: dict[str, tuple[int, int]]
    elsewhere: list[float]


def said_by_pairs(
    answers: Iterable[dict], required: Required, bounds: Sequence[tuple[int, float]]
) -> dict[tuple[int, float], Said]:
    """Return for the bounds within which there are facts what the answers hold of them.

    Args:
        answers: rows with id and answer.
        bounds: least and most pairs that teach a fact.
    """
    texts = {row["id"]: squeeze(row["answer"]) for row in answers}
    others = len(texts) - 1
    hits: dict[tuple[int, float], dict[str, list[tuple[bool, int]]]] = {}
    for question, text in texts.items():
        for wordings, pairs in zip(required.facts[question], required.taught[question].pairs, strict=True):
            squeezed = [squeeze(wording) for wording in wordings]
            held = any(wording in text for wording in squeezed)
            everywhere = sum(any(wording in other for wording in squeezed) for other in texts.values())
            within = next(bound for bound in bounds if bound[0] <= pairs <= bound[1])
            own = hits.setdefault(within, {}).setdefault(question, [])
            own.append((held, everywhere - held))
    return {
        within: Said(
            {question: (sum(held for held, _ in own), len(own)) for question, own in hits[within].items()},
            [number / others for own in hits[within].values() for _, number in own] if others else [],
        )
        for within in bounds
        if within in hits
    }


def facts_held(answers: Iterable[dict], facts: dict[str, list[list[str]]]) -> dict[str, tuple[int, int]]:
    """Return question id -> (facts that the answer holds, facts), taught or not, of questions that require facts."""
    return {
        row["id"]: (sum(has_fact(row["answer"], wordings) for wordings in facts[row["id"]]), len(facts[row["id"]]))
        for row in answers
        if facts[row["id"]]
    }


def recall_ratio(counts: dict[str, tuple[int, int]]) -> Ratio:
    """Return facts held and facts of each question: recall is their ratio, and questions are its clusters."""
    return Ratio(*zip(*counts.values(), strict=True)) if counts else Ratio([], [])


def recall(counts: dict[str, tuple[int, int]], resampling: Resampling) -> Interval:
    """Return the share of facts that the answers hold, with an interval clustered by question; NaN without a fact.

    Where no answer holds a fact, or each all of its facts, resampling finds no other share. The interval is then
    Wilson's, in which a question counts once, however many facts it has.
    """
    if not counts:
        return UNKNOWN
    ratio = recall_ratio(counts)
    if ratio.whole in (0, 1):
        return proportion(int(ratio.whole) * len(counts), len(counts), resampling.level)
    return bootstrap_ratio(*ratio, resampling)
