"""Figure 10: five sides of each model at full precision."""

from pathlib import Path

import numpy
import pandas
from matplotlib.figure import Figure

from tatara.files.formats import FORMATS
from tatara.measure.results import LARGEST_SD, full_precision
from tatara.measure.stats import UNKNOWN, Interval, Resampling, bootstrap
from tatara.report.figures.models import read_judges
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    error_bars,
    new_figure,
)
from tatara.report.tables.common import tuned
from tatara.report.text_table import read_table

MARKS = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "D"), (PURPLE, "^"), (ORANGE, "v"), (SKY, "P"))
Side = dict[str, Interval]


def _scaled(rows: dict[str, dict], key: str, factor: float) -> Side:
    return {
        model: Interval(*(factor * row[f"{key}{end}"] for end in ("", "_low", "_high"))) for model, row in rows.items()
    }


def _inverse(rows: dict[str, dict], key: str) -> Side:
    """Return the smallest value among the models over each model's value.

    An empty answer or a time of zero would have no inverse: the smallest positive value is the best there can be.
    """
    best = min((row[key] for row in rows.values() if row[key] > 0), default=numpy.nan)

    def over(value: float) -> float:
        return min(1.0, best / value) if value > 0 else 1.0

    return {
        model: Interval(*(over(row[f"{key}{end}"]) for end in ("", "_high", "_low"))) for model, row in rows.items()
    }


def _stability(scores: pandas.Series, resampling: Resampling) -> Interval:
    if scores.empty:
        return UNKNOWN
    return bootstrap(scores.to_list(), lambda x, axis=-1: 1 - x.std(axis=axis) / LARGEST_SD, resampling)


def profile(table: pandas.DataFrame, scores: dict[str, pandas.Series], resampling: Resampling) -> dict[str, Side]:
    """Return side -> model -> value from 0 (worst) to 1 (best) with its interval, as figure 10's caption defines them.

    Args:
        table: table 3.
        scores: model -> valid scores.
    """
    rows = {row["model"]: row for row in table.to_dict("records")}
    sides = {
        "Score": _scaled(rows, "score", 1 / 3),
        "Perfect rate": _scaled(rows, "perfect", 1.0),
        "Conciseness": _inverse(rows, "characters"),
        "Speed": _inverse(rows, "seconds"),
        "Stability": {model: _stability(scores[model], resampling) for model in rows},
    }
    timed = any(row["seconds"] > 0 for row in rows.values())
    return sides if timed else {side: of for side, of in sides.items() if side != "Speed"}


def draw(*, judge: list[str], table3: Path | str, names: dict[str, str], **resampling: float) -> Figure:
    """Draw five sides of each model at full precision on scales from 0 to 1 (paper Figure 10, there a radar chart).

    Dots on parallel scales instead of a radar: its area depends on the order of the axes, and it has no room for
    intervals.

    Args:
        judge: judge files of all models and formats.
        table3: tables/table3.csv.
        names: model -> display name, in order.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    files = read_judges(judge, names)
    chosen = full_precision(files)
    scores = {model: files[model, fmt]["score"].dropna() for model, fmt in chosen.items()}
    sides = profile(tuned(read_table(table3)), scores, how)
    figure = new_figure(9.2, 1.5 + len(sides) * (0.3 + 0.17 * len(chosen)))
    axes = figure.add_subplot()
    style = {"markersize": 6, "ecolor": DARK, "elinewidth": 1.0, "capsize": 3}
    for i, side in enumerate(sides.values()):
        if i:
            axes.axhline(i - 0.5, color="#e3e6ea", linewidth=0.9)
        for j, (model, measure) in enumerate(side.items()):
            colour, mark = MARKS[j % len(MARKS)]
            y = i + (j - (len(side) - 1) / 2) * 0.72 / max(1, len(side))
            errors = error_bars([measure.value], [measure.low], [measure.high])
            label = f"{names[model]} ({FORMATS[chosen[model]].label})" if i == 0 else None
            axes.errorbar(measure.value, y, xerr=errors, fmt=mark, color=colour, label=label, **style)
    axes.set_yticks(range(len(sides)), sides)
    axes.set_ylim(len(sides) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel(f"0 worst, 1 best; bars: {100 * how.level:g} % intervals over questions")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=2 if len(chosen) > 3 else len(chosen))
    return figure
