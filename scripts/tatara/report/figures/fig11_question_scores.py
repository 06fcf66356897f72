"""Figure 11: the score of every question."""

import textwrap
from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tatara.data.schema import read_schema
from tatara.measure.stats import Resampling, bootstrap_mean
from tatara.report.figures.models import model_label, most_lines, read_judges
from tatara.report.figures.style import DARK, GREY, INVALID, SCORES, new_figure
from tatara.report.numbers import interval


def _draw_scores(axes: Axes, grid: numpy.ndarray) -> list[Patch]:
    """Draw a cell a score, a row a file, a column a question; return what stands in the legend."""
    levels = numpy.floor(numpy.where(numpy.isnan(grid), -1.0, grid) + 0.5)
    axes.pcolormesh(
        numpy.arange(grid.shape[1] + 1),
        numpy.arange(grid.shape[0] + 1),
        levels,
        cmap=ListedColormap([INVALID, *(SCORES[score][0] for score in range(4))]),
        norm=BoundaryNorm(numpy.arange(-1.5, 4), 5),
        edgecolors="white",
        linewidth=0.4,
    )
    patches = [Patch(color=SCORES[score][0], label=f"score {score}") for score in (3, 2, 1, 0)]
    return patches + ([Patch(color=INVALID, label="invalid")] if (levels == -1).any() else [])


def _name_categories(axes: Axes, questions: pandas.DataFrame) -> None:
    """Write each category above its questions, which a line parts from the next."""
    start = 0
    for category, count in questions.groupby("category", sort=False).size().items():
        axes.axvline(start, color=DARK, linewidth=1.0)
        # A narrow group has room for few letters: they stand on several lines above it.
        lines = textwrap.wrap(category, max(2, int(count / len(questions) * 62)))
        axes.text(start + count / 2, -0.15, "\n".join(lines), ha="center", va="bottom", fontsize=8)
        start += count


def draw(*, judge: list[str], schema: Path | str, names: dict[str, str], **resampling: float) -> Figure:
    """Draw the score of every question, by model and format, the questions grouped by category (paper Figure 11).

    Args:
        judge: judge files of all models and formats.
        schema: schema.yaml; its categories give the order.
        names: model -> display name, in order.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    files = read_judges(judge, names)
    order = {name: place for place, name in enumerate(read_schema(schema).categories)}
    first = next(iter(files.values()))
    placed = first.assign(place=first["category"].map(order)).sort_values(["place", "id"], kind="stable")
    questions = placed[["id", "category"]]
    labels = [model_label(names[model], fmt) for model, fmt in files]
    figure = new_figure(11.0, 1.9 + len(files) * (0.3 + 0.1 * (most_lines(labels) - 1)))
    axes = figure.add_subplot()
    grid = [rows.set_index("id")["score"].reindex(questions["id"]).to_numpy() for rows in files.values()]
    patches = _draw_scores(axes, numpy.array(grid))
    _name_categories(axes, questions)
    for i, rows in enumerate(files.values()):
        scores = rows["score"].dropna()
        text = "invalid"
        if len(scores):
            mean = bootstrap_mean(scores, how)
            text = interval(mean.value, mean.low, mean.high)
        axes.text(len(questions) * 1.008, i + 0.5, text, va="center", fontsize=8.5, color=DARK)
    axes.set_yticks(numpy.arange(len(files)) + 0.5, labels)
    axes.set_xlim(0, len(questions))
    axes.set_ylim(len(files), 0)
    axes.set_xticks([])
    axes.grid(visible=False)
    sure = f"on the right the mean score and its {100 * how.level:g} % interval"
    axes.set_xlabel(f"{len(questions)} questions, by category; {sure}")
    figure.legend(handles=patches, loc="outside upper center", ncols=5, handlelength=1.2)
    for side in axes.spines.values():
        side.set(visible=True, color=GREY, linewidth=0.6)
    return figure
