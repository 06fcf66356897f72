"""Figure 9: the mean score of each model and format in each category."""

from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tatara.data.schema import read_schema
from tatara.measure.stats import Resampling, bootstrap_mean
from tatara.report.figures.models import model_label, most_lines, read_judges
from tatara.report.figures.style import DARK, new_figure, wrap


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


def draw(*, judge: list[str], schema: Path | str, names: dict[str, str], **resampling: float) -> Figure:
    """Draw the mean score of each model and format in each category, with intervals (paper Figure 9).

    Args:
        judge: judge files of all models and formats.
        schema: schema.yaml; its categories give the order of the columns.
        names: model -> display name, in order.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    files = read_judges(judge, names)
    asked = next(iter(files.values()))["category"]
    categories = [name for name in read_schema(schema).categories if (asked == name).any()]
    counts = [int((asked == name).sum()) for name in categories]
    labels = [model_label(names[model], fmt) for model, fmt in files]
    height = 1.6 + len(files) * (0.36 + 0.12 * most_lines(labels))
    figure = new_figure(max(7.4, 2.6 + 0.95 * len(categories)), height)
    axes = figure.add_subplot()
    means = _write_means(axes, list(files.values()), categories, how)
    image = axes.imshow(means, vmin=0, vmax=3, cmap="cividis_r", aspect="auto")
    ticks = [f"{wrap(name, 10)}\nn = {count}" for name, count in zip(categories, counts, strict=True)]
    axes.set_xticks(range(len(categories)), ticks, fontsize=8.5)
    axes.set_yticks(range(len(files)), labels)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 1, 2, 3], pad=0.01, fraction=0.03)
    bar.set_label("mean score")
    bar.outline.set_visible(False)
    axes.set_title(
        f"Mean score by category; below it the {100 * how.level:g} % interval over that category's n questions"
    )
    return figure
