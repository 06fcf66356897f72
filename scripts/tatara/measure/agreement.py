"""How far judges agree: quadratic-weighted kappa, Krippendorff's alpha and raw agreement, with intervals over the
questions.
"""

import itertools
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import krippendorff
import numpy
import pandas
from sklearn.metrics import cohen_kappa_score

from tatara.files.text import write_csv
from tatara.measure.results import model_and_format, read_scores

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
MOST_RESAMPLES = 2000  # each takes the two libraries about two milliseconds


def weighted_kappa(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968), NaN where both sides gave one and the same score
    throughout.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0 / 0 where there is no variation
        return float(cohen_kappa_score(one, other, labels=SCORES, weights="quadratic"))


def alpha(*raters: numpy.ndarray) -> float:
    """Return Krippendorff's alpha for interval data (Krippendorff 2011), NaN where every score is the same; a missing
    score is NaN.
    """
    table = numpy.asarray(raters, dtype=float)
    if len(numpy.unique(table[~numpy.isnan(table)])) < 2:
        return numpy.nan
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="interval"))


def raw(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """Return the share of equal scores."""
    return float((one == other).mean())


def intervals(
    one: numpy.ndarray, other: numpy.ndarray, questions: numpy.ndarray, seed: int, resamples: int, level: float
) -> dict[str, tuple[float, float, float]]:
    """Return kappa, alpha and raw agreement, each with its percentile bootstrap interval.

    Questions are drawn, each with all its answers, since answers to one question are alike. A draw without variation
    has no kappa and is left out.

    Args:
        one, other: scores of the same answers; questions: the question of each.
    """
    measures: dict[str, Callable] = {"kappa": weighted_kappa, "alpha": alpha, "raw": raw}
    groups = [numpy.flatnonzero(questions == question) for question in numpy.unique(questions)]
    generator = numpy.random.default_rng(seed)
    drawn = {name: [] for name in measures}
    for _ in range(min(resamples, MOST_RESAMPLES) if len(groups) > 1 else 0):
        chosen = numpy.concatenate([groups[index] for index in generator.integers(0, len(groups), len(groups))])
        for name, measure in measures.items():
            drawn[name].append(measure(one[chosen], other[chosen]))
    found = {}
    for name, measure in measures.items():
        value, values = measure(one, other), numpy.asarray(drawn[name], dtype=float)
        values = values[numpy.isfinite(values)]
        ends = (
            numpy.quantile(values, [(1 - level) / 2, (1 + level) / 2])
            if values.size and numpy.isfinite(value)
            else (numpy.nan, numpy.nan)
        )
        found[name] = (value, float(ends[0]), float(ends[1]))
    return found


def agreement(scores: pandas.DataFrame, *, seed: int, level: float, resamples: int) -> list[dict]:
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
        both = pandas.DataFrame({"one": one, "other": other})
        valid = both.dropna()
        row = {
            "comparison": comparison,
            "one": name,
            "other": other_name,
            "items": len(valid),
            "invalid": len(both) - len(valid),
        }
        if len(valid):
            found = intervals(
                valid["one"].to_numpy(int),
                valid["other"].to_numpy(int),
                question[valid.index].to_numpy(),
                seed,
                resamples,
                level,
            )
        else:
            found = dict.fromkeys(("kappa", "alpha", "raw"), (numpy.nan,) * 3)
        for key, values in found.items():
            row |= dict(zip((key, f"{key}_low", f"{key}_high"), values, strict=True))
        rows.append(row)
    return rows


def write_agreement(
    judged: Iterable[Path | str], *, output: Path | str, seed: int, level: float, resamples: int
) -> None:
    """Write results/judge/agreement.csv from the judge files of all models and formats; one judge with one repeat
    leaves it without a row.
    """
    frames = []
    for path in judged:
        rows = read_scores(path)
        model, fmt = model_and_format(path)
        frames.append(rows.assign(item=[f"{model} {fmt} {id_}" for id_ in rows["id"]]))
    rows = agreement(pandas.concat(frames), seed=seed, level=level, resamples=resamples)
    text = [
        [("" if value != value else f"{value:.6g}") if isinstance(value, float) else value for value in row.values()]
        for row in rows
    ]
    write_csv(Path(output), list(COLUMNS), text)
