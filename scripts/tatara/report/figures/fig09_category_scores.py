"""Figure 9: the mean score of each model and format in each category, and the probe by kind of item."""

from collections.abc import Callable
from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tatara.data.schema import read_schema
from tatara.measure.probe import KINDS, Answer, Answers, accuracy, chosen, read_answers
from tatara.measure.stats import Resampling, bootstrap_mean
from tatara.report.figures.models import model_label, most_lines, read_judges
from tatara.report.figures.style import DARK, new_figure, wrap

# the columns of the probe; relations that no training pair teaches stand by themselves
PROBE: dict[str, Callable[[Answer], bool]] = {
    **{kind: lambda one, kind=kind: one.taught and one.kind == kind for kind in KINDS},
    "held out": lambda one: not one.taught,
}


def _write_means(
    axes: Axes, files: list[pandas.DataFrame], categories: list[str], resampling: Resampling
) -> numpy.ndarray:
    """Write the mean score of each file and category with its interval into its cell; return the means."""
    means = numpy.full((len(files), len(categories)), numpy.nan)
    for i, rows in enumerate(files):
        for j, category in enumerate(categories):
            scores = rows.loc[rows["category"] == category, "score"].dropna()
            if scores.empty:
                axes.text(j, i, "invalid", ha="center", va="center", fontsize=8, color=DARK)
                continue
            mean = bootstrap_mean(scores, resampling)
            means[i, j] = mean.value
            style = {"ha": "center", "va": "center", "color": "white" if mean.value > 1.7 else DARK}
            axes.text(j, i - 0.12, f"{mean.value:.2f}", fontsize=9.5, **style)
            if not numpy.isnan(mean.low):
                axes.text(j, i + 0.24, f"{mean.low:.1f}–{mean.high:.1f}", fontsize=7.5, **style)
    return means


def _write_probe(axes: Axes, probed: list[Answers], resampling: Resampling) -> numpy.ndarray:
    """Write the share of items answered right, by model and kind, with its interval into its cell; return these."""
    shares = numpy.full((len(probed), len(PROBE)), numpy.nan)
    for i, answers in enumerate(probed):
        for j, choose in enumerate(PROBE.values()):
            part = chosen(answers, choose)
            if not part:
                axes.text(j, i, "none", ha="center", va="center", fontsize=8, color=DARK)
                continue
            right = accuracy([part], resampling)
            shares[i, j] = 100 * right.value
            style = {"ha": "center", "va": "center", "color": "white" if right.value > 0.57 else DARK}
            axes.text(j, i - 0.12, f"{100 * right.value:.0f} %", fontsize=9.5, **style)
            if not numpy.isnan(right.low):
                axes.text(j, i + 0.24, f"{100 * right.low:.0f}–{100 * right.high:.0f}", fontsize=7.5, **style)
    return shares


def _finish(axes: Axes, values: numpy.ndarray, top: float, ticks: list[str], label: str) -> None:
    """Colour the cells from 0 to `top`, and give the panel its ticks and its bar."""
    image = axes.imshow(values, vmin=0, vmax=top, cmap="cividis_r", aspect="auto")
    axes.set_xticks(range(len(ticks)), ticks, fontsize=8.5)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    bar = axes.figure.colorbar(
        image, ax=axes, ticks=numpy.linspace(0, top, 4 if top == 3 else 5), pad=0.01, fraction=0.04
    )
    bar.set_label(label)
    bar.outline.set_visible(False)


def draw(
    *, judge: list[str], probe: list[str], schema: Path | str, names: dict[str, str], **resampling: float
) -> Figure:
    """Draw the mean score of each model and format in each category (paper Figure 9) and its probe, with intervals.

    Args:
        judge, probe: judge and probe files of all models and formats.
        schema: schema.yaml; its categories give the order of the columns.
        names: model -> display name, in order.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    files, answers = read_judges(judge, names), read_answers(probe)
    asked = next(iter(files.values()))["category"]
    categories = [name for name in read_schema(schema).categories if (asked == name).any()]
    counts = [int((asked == name).sum()) for name in categories]
    labels = [model_label(names[model], fmt) for model, fmt in files]
    probed = [answers[f"{model}_{fmt}"] for model, fmt in files]
    height = 1.6 + len(files) * (0.36 + 0.12 * most_lines(labels))
    widths = [max(4.8, 0.95 * len(categories)), 0.95 * len(PROBE)]
    figure = new_figure(3.4 + sum(widths), height)
    scores, kinds = figure.subplots(1, 2, sharey=True, width_ratios=widths)
    means = _write_means(scores, list(files.values()), categories, how)
    ticks = [f"{wrap(name, 10)}\nn = {count}" for name, count in zip(categories, counts, strict=True)]
    _finish(scores, means, 3, ticks, "mean score")
    shares = _write_probe(kinds, probed, how)
    counts = [len(chosen(probed[0], choose)) for choose in PROBE.values()]
    _finish(
        kinds, shares, 100, [f"{name}\nn = {count:,}" for name, count in zip(PROBE, counts, strict=True)], "% right"
    )
    scores.set_yticks(range(len(files)), labels)
    kinds.tick_params(labelleft=False)
    scores.set_title(f"a  Mean score by category, {100 * how.level:g} % intervals over its n questions")
    kinds.set_title("b  Probe by kind of item, intervals over nodes; chance is 25 %")
    return figure
