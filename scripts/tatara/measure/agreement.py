"""How far judges agree: weighted kappa, Krippendorff's alpha and raw agreement, with intervals over the questions."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy
import pandas
from statsmodels.stats.inter_rater import cohens_kappa

from tatara.files.text import write_csv
from tatara.measure.results import model_and_format, read_scores
from tatara.measure.stats import UNKNOWN, Interval, Resampling, interval_columns

SCORES = [0, 1, 2, 3]
COLUMNS = (
    "comparison",
    "one",
    "other",
    "items",
    "invalid",
    "kappa",
    "kappa_low",
    "kappa_high",
    "alpha",
    "alpha_low",
    "alpha_high",
    "raw",
    "raw_low",
    "raw_high",
)


def weighted_kappa(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968), NaN where all scores of both sides are the same."""
    cells = len(SCORES) * numpy.asarray(one, dtype=int) + numpy.asarray(other, dtype=int)
    table = numpy.bincount(cells, minlength=len(SCORES) ** 2).reshape(len(SCORES), len(SCORES))
    with numpy.errstate(invalid="ignore"):  # 0 / 0 where there is no variation
        return float(cohens_kappa(table, wt="quadratic", return_results=False))


def alpha(*raters: numpy.ndarray) -> float:
    """Return Krippendorff's alpha for interval data (Krippendorff 2011), NaN where all scores are the same.

    With squared differences, observed and expected disagreement are twice a variance: alpha = 1 - sum over the items of
    m_i s_i^2 / (n s^2), where item i has m_i >= 2 scores of variance s_i^2, and s^2 is that of all n of them.

    Args:
        raters: the scores of each rater over the same items; a missing score is NaN.
    """
    table = numpy.asarray(raters, dtype=float)
    counts = (~numpy.isnan(table)).sum(axis=0)
    items, counts = table[:, counts > 1], counts[counts > 1]
    if len(numpy.unique(items[~numpy.isnan(items)])) < 2:
        return numpy.nan
    within = (counts * numpy.nanvar(items, axis=0, ddof=1)).sum()
    return float(1 - within / (counts.sum() * numpy.nanvar(items, ddof=1)))


def raw(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return the share of equal scores."""
    return float((one == other).mean())


MEASURES: dict[str, Callable] = {"kappa": weighted_kappa, "alpha": alpha, "raw": raw}


def intervals(
    one: numpy.ndarray, other: numpy.ndarray, questions: numpy.ndarray, resampling: Resampling
) -> dict[str, Interval]:
    """Return kappa, alpha and raw agreement, each with its percentile bootstrap interval.

    Questions are drawn, each with all its answers, since answers to one question are alike. A draw without variation
    has no kappa and is left out.

    Args:
        one, other: scores of the same answers.
        questions: the question of each.
    """
    groups = [numpy.flatnonzero(questions == question) for question in numpy.unique(questions)]
    generator = numpy.random.default_rng(resampling.seed)
    drawn = {name: [] for name in MEASURES}
    for _ in range(resampling.resamples if len(groups) > 1 else 0):
        chosen = numpy.concatenate([groups[index] for index in generator.integers(0, len(groups), len(groups))])
        for name, measure in MEASURES.items():
            drawn[name].append(measure(one[chosen], other[chosen]))
    return {
        name: _percentiles(measure(one, other), drawn[name], resampling.level) for name, measure in MEASURES.items()
    }


def _percentiles(value: float, drawn: list[float], level: float) -> Interval:
    """Return a value with the interval that holds the middle `level` of its draws, those without a value left out."""
    values = numpy.asarray(drawn, dtype=float)
    values = values[numpy.isfinite(values)]
    if not values.size or not numpy.isfinite(value):
        return Interval(value, numpy.nan, numpy.nan)
    low, high = numpy.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def agreement(scores: pandas.DataFrame, resampling: Resampling) -> list[dict]:
    """Return one row for each two judges (their median scores of an answer), and for each two repeats of a judge.

    Args:
        scores: columns item (an answer), id (its question), judge, repeat, score (NaN: invalid).
    """
    pairs = []
    judges = list(dict.fromkeys(scores["judge"]))
    for judge in judges:
        own = scores[scores["judge"] == judge].pivot(index="item", columns="repeat", values="score")
        pairs += [
            ("repeats", f"{judge} {a}", f"{judge} {b}", own[a], own[b])
            for a, b in itertools.combinations(own.columns, 2)
        ]
    # The lower median is itself a score, which a mean is not.
    medians = {
        judge: scores[scores["judge"] == judge].groupby("item")["score"].quantile(0.5, interpolation="lower")
        for judge in judges
    }
    pairs += [("judges", a, b, medians[a], medians[b]) for a, b in itertools.combinations(judges, 2)]
    question = scores.drop_duplicates("item").set_index("item")["id"]
    rows = []
    for comparison, name, other_name, one, other in pairs:
        # The rubric has no row of a question that requires no fact: nothing there could agree.
        both = pandas.concat({"one": one, "other": other}, axis=1, join="inner")
        valid = both.dropna()
        row = {"comparison": comparison, "one": name, "other": other_name}
        row |= {"items": len(valid), "invalid": len(both) - len(valid)}
        measures = dict.fromkeys(MEASURES, UNKNOWN)
        if len(valid):
            columns = valid["one"].to_numpy(int), valid["other"].to_numpy(int)
            measures = intervals(*columns, question[valid.index].to_numpy(), resampling)
        for key, interval in measures.items():
            row |= interval_columns(key, interval)
        rows.append(row)
    return rows


def write_agreement(judged: Iterable[Path | str], *, output: Path | str, **resampling: float) -> None:
    """Write results/judge/agreement.csv from the judge files of all models and formats.

    One judge with one repeat leaves it without a row.

    Args:
        resampling: seed, resamples and level.
    """
    frames = []
    for path in judged:
        rows = read_scores(path)
        model, fmt = model_and_format(path)
        frames.append(rows.assign(item=[f"{model} {fmt} {id_}" for id_ in rows["id"]]))
    rows = agreement(pandas.concat(frames), Resampling(**resampling))
    write_csv(Path(output), list(COLUMNS), [[_cell(value) for value in row.values()] for row in rows])


def _cell(value: object) -> object:
    """Return a value as it stands in the file: numbers in six digits, nothing for NaN."""
    if not isinstance(value, float):
        return value
    return "" if value != value else f"{value:.6g}"
