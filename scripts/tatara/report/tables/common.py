"""What the tables share: how scores and likelihoods are compared.

Judgements are computed: a difference has a verdict only where a paired test over questions, corrected by Holm's method
over the family of the table, gives p <= 1 - level; otherwise it reads `no difference shown`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas

from tatara.files.formats import BASE
from tatara.files.jsonl import read_jsonl
from tatara.measure import probe
from tatara.measure.recall_by_size import pooled
from tatara.measure.results import read_json
from tatara.measure.said_again import share as share_said_again
from tatara.measure.sizes import UNMEASURED
from tatara.measure.stats import (
    UNKNOWN,
    Ratio,
    Resampling,
    bootstrap_ratio,
    holm,
    interval_columns,
    mcnemar,
    mean_of,
    paired_difference,
    permutation_test,
    smallest_difference,
)
from tatara.measure.taught import Required, fact_counts, recall

NO_DIFFERENCE = "no difference shown"


def in_order(paths: list[str], names: dict[str, str]) -> dict[str, dict]:
    """Return model -> content of its file, in the order of `names`."""
    contents = {content["model"]: content for content in map(read_json, paths)}
    return {model: contents[model] for model in names if model in contents}


def tuned(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows of a table that are no untuned models."""
    return frame[frame["format"] != BASE].reset_index(drop=True)


def valid_scores(rows: pandas.DataFrame) -> pandas.Series:
    """Return the valid scores of a judge file by question id."""
    return rows.set_index("id")["score"].dropna()


def compare_scores(scores: pandas.Series, others: pandas.Series, resampling: Resampling) -> dict:
    """Return how two sides differ over the questions that both have a valid score for, and how many these are.

    Returns:
        difference (mean, with its interval), p_value, perfect_p_value (McNemar's for the rate of score 3),
        smallest_difference (what that many questions could have shown) and `compared`, their number.
    """
    shared = [question for question in scores.index if question in others.index]
    if not shared:
        unknown = {"p_value": 1.0, "perfect_p_value": 1.0, "smallest_difference": numpy.nan, "compared": 0}
        return interval_columns("difference", UNKNOWN) | unknown
    one, other = scores[shared], others[shared]
    means = mean_of(one.to_list()), mean_of(other.to_list())
    return interval_columns("difference", paired_difference(*means, resampling)) | {
        "p_value": permutation_test(*means, resampling),
        "perfect_p_value": mcnemar(one == 3, other == 3),
        "smallest_difference": smallest_difference(one - other, resampling.level),
        "compared": len(shared),
    }


def verdict(difference: float, p_value: float, level: float, below: str, above: str) -> str:
    """Return `below` or `above` where the test is significant at 1 - level, else that no difference was shown, or that
    nothing was measured.
    """
    if numpy.isnan(p_value):
        return UNMEASURED
    if not p_value <= 1 - level:
        return NO_DIFFERENCE
    return above if difference > 0 else below


def compare_with_reference(key: str, ratio: Ratio, reference: Ratio, resampling: Resampling) -> dict:
    """Return the difference of a likelihood from the reference's, with its interval and p-value.

    Both are NaN for the reference itself.

    Args:
        key: what the difference is called.
    """
    if ratio is reference:
        return interval_columns(key, UNKNOWN) | {"p_value": numpy.nan}
    difference = paired_difference(ratio, reference, resampling)
    return interval_columns(key, difference) | {"p_value": permutation_test(ratio, reference, resampling)}


def probe_columns(several: Sequence[probe.Answers], resampling: Resampling) -> dict:
    """Return the share of the probe's items answered right, of relations that are taught and of those held out.

    Args:
        several: answers to the same items, one entry a seed.
    """
    parts = {"probe": probe.taught, "probe_held_out": probe.held_out}
    return {
        column: value
        for name, part in parts.items()
        for column, value in interval_columns(name, probe.accuracy([part(one) for one in several], resampling)).items()
    }


def recall_columns(answers: Sequence[Path | str], required: Required, resampling: Resampling) -> dict:
    """Return the shares of the required facts that answers hold, of those that the pairs teach and of the others.

    Args:
        answers: answers/{model}_{fmt}.jsonl, or the files of several seeds, whose mean is taken.
    """
    counts = [fact_counts(read_jsonl(path), required) for path in answers]
    parts = {"recall_taught": [one[True] for one in counts], "recall_untaught": [one[False] for one in counts]}
    return {
        column: value
        for name, part in parts.items()
        for column, value in interval_columns(name, recall(pooled(part), resampling)).items()
    }


def said_again_columns(answers: Path | str, resampling: Resampling) -> dict:
    """Return the share of the answers' characters that stand in sentences which the answer holds already."""
    counts = share_said_again([row["answer"] for row in read_jsonl(answers)])
    return interval_columns("said_again", bootstrap_ratio(*counts, resampling) if any(counts.denominators) else UNKNOWN)


def compare_probes(rows: list[dict], answers: list[probe.Answers], resampling: Resampling) -> None:
    """Add to the rows how often more than the first each answers the probe right, over all of its items.

    Adds probe_difference with its interval, probe_p_value (McNemar's), probe_p_holm and probe_verdict, `degrades`,
    `improves` or that no difference is shown; the first row is the reference.
    """
    for row, own in zip(rows, answers, strict=True):
        interval, p_value = (UNKNOWN, numpy.nan) if row is rows[0] else probe.difference(own, answers[0], resampling)
        row |= interval_columns("probe_difference", interval) | {"probe_p_value": p_value}
    reference, *others = rows
    reference |= {"probe_p_holm": numpy.nan, "probe_verdict": "reference"}
    for row, adjusted in zip(others, holm([row["probe_p_value"] for row in others]), strict=True):
        words = verdict(row["probe_difference"], adjusted, resampling.level, "degrades", "improves")
        row |= {"probe_p_holm": adjusted, "probe_verdict": words}


def judge_likelihoods(rows: list[dict], key: str, level: float) -> None:
    """Add p_holm and verdict to the rows of one model, whose first is the reference of the others.

    Args:
        rows: with `p_value`, NaN for the reference.
        key: of the difference in nats a token; less is better.
    """
    reference, *others = rows
    reference |= {"p_holm": numpy.nan, "verdict": "reference"}
    for row, adjusted in zip(others, holm([row["p_value"] for row in others]), strict=True):
        row |= {"p_holm": adjusted, "verdict": verdict(row[key], adjusted, level, "improves", "degrades")}
