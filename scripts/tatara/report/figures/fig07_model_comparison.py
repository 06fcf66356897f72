"""Figure 7: the models at full precision beside each other. Drawn from table 3, so that figure and table agree."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tatara.files.formats import BASE
from tatara.report.figures.models import Panel, model_label, most_lines
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PLATE,
    PURPLE,
    annotate,
    error_bars,
    new_figure,
)
from tatara.report.paper import read_paper
from tatara.report.text_table import read_table

PANELS = (
    Panel("score", 1, "a  Average score", "0 to 3", BLUE, 2, 3.0),
    Panel("perfect", 100, "b  Perfect-score rate", "% of the questions", GREEN, 0, 100.0),
    Panel("characters", 1, "c  Length of an answer", "characters", ORANGE, 0),
    Panel("seconds", 1, "d  Time of an answer", "seconds", PURPLE, 2),
)


def _draw_panel(axes: Axes, panel: Panel, table: pandas.DataFrame, paper: pandas.DataFrame | None) -> None:
    """Draw one measure: bars with intervals and numbers, the paper's in brackets and as diamonds where they fit."""
    y = numpy.arange(len(table))
    columns = (panel.key, f"{panel.key}_low", f"{panel.key}_high")
    value, low, high = (panel.factor * table[column].astype(float) for column in columns)
    axes.barh(y, value, color=panel.colour, alpha=0.85, height=0.62)
    bars = {"fmt": "none", "ecolor": DARK, "elinewidth": 1.1, "capsize": 3}
    axes.errorbar(value, y, xerr=error_bars(value, low, high), **bars)
    ends = high.fillna(value)
    reach = max(float(ends.max()), panel.top or 0.0) or 1.0
    theirs = numpy.full(len(y), numpy.nan) if paper is None else panel.factor * paper[panel.key].to_numpy(float)
    for place, number, end, other in zip(y, value, ends, theirs, strict=True):
        text = f"{number:,.{panel.decimals}f}" + ("" if numpy.isnan(other) else f"  ({other:,.{panel.decimals}f})")
        start = max(end, other) if other <= reach else end
        annotate(axes, text, (start, place), (6, 0), 8.5, va="center", bbox=PLATE)
    inside = theirs <= reach
    axes.plot(theirs[inside], y[inside], "D", markerfacecolor="white", markeredgecolor=DARK, markersize=5, zorder=4)
    axes.set_xlim(0, (1.17 if paper is None else 1.36) * reach)
    if panel.top:
        axes.set_xticks(numpy.linspace(0, panel.top, 4 if panel.top == 3 else 5))
    axes.set_title(panel.title)
    axes.set_xlabel(panel.unit)


def draw(*, table3: Path | str, level: float, paper: Sequence[str] = ()) -> Figure:
    """Draw score, perfect-score rate, length and time of each model, untuned and tuned (paper Figure 7).

    Args:
        table3: tables/table3.csv.
        level: confidence level of its intervals.
        paper: resources/paper/table3.csv, where the paper's values are shown: in brackets, and as diamonds where they
            have room.
    """
    table = read_table(table3)
    labels = [model_label(name, fmt, 20, "\n") for name, fmt in zip(table["name"], table["format"], strict=True)]
    figure = new_figure(9.2, 1.7 + 2 * len(table) * (0.2 + 0.17 * most_lines(labels)))
    models = table["model"].where(table["format"] != BASE)  # the paper has no untuned models
    values = read_paper(paper[0]).set_index("model").reindex(models) if paper else None
    for axes, panel in zip(figure.subplots(2, 2, sharey=True).flat, PANELS, strict=True):
        if table[panel.key].isna().all():  # such as times, where none was taken
            axes.remove()
            continue
        _draw_panel(axes, panel, table, values)
        axes.set_yticks(range(len(labels)), labels)
        axes.grid(axis="y", visible=False)
    figure.axes[0].invert_yaxis()  # all share it
    count = int(table["questions"].max())
    title = f"{count} question{'s' if count > 1 else ''}; bars: {100 * level:g} % intervals over questions"
    title += "; (n) and ◇: as printed in the paper, models of 8 B" if paper else ""
    figure.suptitle(title, fontsize=9, x=0.01, ha="left", color=DARK)
    return figure
