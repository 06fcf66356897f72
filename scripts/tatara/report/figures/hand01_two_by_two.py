"""The two-by-two: score, recall and time with and without training and the graph at hand. Drawn from its table."""

from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tatara.report.figures.models import Panel
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PLATE,
    PURPLE,
    annotate,
    error_bars,
    new_figure,
    wrap,
)
from tatara.report.text_table import read_table

PANELS = (
    Panel("score", 1, "Average score", "0 to 3", BLUE, 2),
    Panel("recall", 100, "Fact recall", "% of the required facts", GREEN, 0),
    Panel("seconds", 1, "Time of an answer", "seconds", PURPLE, 2),
)
SPAN = 0.1  # points of the score that the axis of gains holds at least on either side
# What is gained, by the row's own column and by whether the row has the other of the two.
GAINS = (
    ("training_score_gain", "graph", "no", "training,\nno graph"),
    ("training_score_gain", "graph", "yes", "training,\nwith graph"),
    ("graph_score_gain", "tuned", "no", "graph,\nuntuned"),
    ("graph_score_gain", "tuned", "yes", "graph,\ntuned"),
)


def _label(row: dict) -> str:
    return ("tuned" if row["tuned"] == "yes" else "untuned") + ("\n+ graph" if row["graph"] == "yes" else "")


def _draw_measure(axes: Axes, panel: Panel, rows: pandas.DataFrame) -> None:
    """Draw one measure of the four with intervals; what is to be shipped has full colour."""
    y = numpy.arange(len(rows))
    value, low, high = (panel.factor * rows[f"{panel.key}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    shipped = (rows["ship"] == "yes").to_numpy()
    for place, one in zip(y, value, strict=True):
        axes.barh(place, one, color=panel.colour, alpha=0.9 if shipped[place] else 0.45, height=0.62)
    bars = {"fmt": "none", "ecolor": DARK, "elinewidth": 1.1, "capsize": 3}
    axes.errorbar(value, y, xerr=error_bars(value, low, high), **bars)
    ends = numpy.where(numpy.isnan(high), value, high)
    for place, one, end in zip(y, value, ends, strict=True):
        text = "none" if numpy.isnan(one) else f"{one:,.{panel.decimals}f}"
        annotate(axes, text, (0 if numpy.isnan(end) else end, place), (5, 0), 8, va="center", bbox=PLATE)
    reach = numpy.nanmax(ends) if not numpy.isnan(ends).all() else 0.0
    axes.set_xlim(0, 1.28 * (reach or 1.0))
    leftmost = axes.get_subplotspec().is_first_col()
    axes.set_yticks(y, [_label(row) if leftmost else "" for row in rows.to_dict("records")])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def _draw_gains(axes: Axes, rows: pandas.DataFrame, level: float) -> None:
    """Draw the four paired differences of the score with their intervals around zero."""
    axes.axvline(0, color=DARK, linewidth=0.9)
    for place, (column, other, state, _) in enumerate(GAINS):
        has = rows[column].notna() & (rows[other] == state)
        if not has.any():
            annotate(axes, "none", (0, place), (5, 0), 8, va="center", bbox=PLATE)
            continue
        value, low, high = (rows.loc[has, f"{column}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        shown = rows.loc[has, column.replace("_gain", "_p_holm")].iloc[0] <= 1 - level
        colour = ORANGE if shown else GREY
        axes.errorbar(value, [place], xerr=error_bars(value, low, high), fmt="o", color=colour, ecolor=DARK, capsize=3)
    axes.set_yticks(range(len(GAINS)), [label for *_, label in GAINS])
    axes.set_ylim(len(GAINS) - 0.5, -0.5)
    left, right = axes.get_xlim()
    axes.set_xlim(min(left, -SPAN), max(right, SPAN))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="y", visible=False)


def draw(*, table: Path | str, level: float) -> Figure:
    """Draw score, fact recall and time of the four, and the paired gains of training and of the graph; a row a model.

    What was not measured has no panel.

    Args:
        table: tables/at_hand.csv.
        level: confidence level of its intervals.
    """
    frame = read_table(table)
    models = list(dict.fromkeys(frame["model"]))
    if not models:
        figure = new_figure(8.2, 4.2)
        figure.text(0.5, 0.5, "No model was asked with the graph at hand.", ha="center")
        return figure
    measures = [panel for panel in PANELS if frame[panel.key].notna().any()]
    figure = new_figure(11.0, 0.9 + 2.5 * len(models))
    panels = figure.subplots(len(models), len(measures) + 1, squeeze=False)
    for places, model in zip(panels, models, strict=True):
        rows = frame[frame["model"] == model].reset_index(drop=True)
        for axes, panel in zip(places, measures, strict=False):
            _draw_measure(axes, panel, rows)
        _draw_gains(places[-1], rows, level)
        places[0].set_ylabel(wrap(str(rows["name"].iloc[0]), 24))
    for axes, panel in zip(panels[0], measures, strict=False):
        axes.set_title(panel.title)
    panels[0, -1].set_title("Gain in the score, paired")
    for axes, panel in zip(panels[-1], measures, strict=False):
        axes.set_xlabel(panel.unit)
    panels[-1, -1].set_xlabel("points of the score")
    title = f"bars: {100 * level:g} % intervals over questions; full colour: to ship by the table's rule"
    title += "; orange: a gain that is shown"
    figure.suptitle(title, fontsize=9, x=0.01, ha="left", color=DARK)
    return figure
