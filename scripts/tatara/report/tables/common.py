"""What the tables share: how scores and likelihoods are compared.

Judgements are computed: a difference has a verdict only where a paired test over questions, corrected by Holm's method
over the family of the table, gives p <= 1 - level; otherwise it reads `no difference shown`.
"""

import numpy
import pandas

from tatara.files.formats import BASE
from tatara.measure.results import read_json
from tatara.measure.stats import (
    UNKNOWN,
    Ratio,
    Resampling,
    holm,
    interval_columns,
    mcnemar,
    mean_of,
    paired_difference,
    permutation_test,
    smallest_difference,
)

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
    """Return `below` or `above` where the test is significant at 1 - level, else that no difference was shown."""
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
