"""Figure 8: how often each score was given. Drawn from table 4, so that figure and table agree."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tatara.report.figures.models import model_label, most_lines
from tatara.report.figures.style import DARK, INVALID, SCORES, new_figure
from tatara.report.paper import read_paper
from tatara.report.text_table import read_table

# Column of table 4 -> label, colour, and the colour of the number on it.
COLUMNS = {f"score{score}": (f"score {score}", *colours) for score, colours in SCORES.items()}
COLUMNS["invalid"] = ("invalid", INVALID, DARK)


def _draw_bars(axes: Axes, table: pandas.DataFrame, widths: pandas.DataFrame, total: float) -> list[list[str]]:
    """Draw each row as one bar of the counts; return the counts that have no room in it, which stand beside it."""
    y, start = numpy.arange(len(table)), numpy.zeros(len(table))
    narrow: list[list[str]] = [[] for _ in table.index]
    for key, (label, colour, ink) in COLUMNS.items():
        counts, width = table[key].to_numpy(), widths[key].to_numpy()
        if key == "invalid" and not counts.any():
            continue
        style = {"color": colour, "edgecolor": "white", "linewidth": 0.6}
        axes.barh(y, width, left=start, height=0.7, label=label, **style)
        for place, count, share, left in zip(y, counts, width, start, strict=True):
            if share >= 0.03 * total:
                axes.text(left + share / 2, place, str(count), ha="center", va="center", fontsize=8.5, color=ink)
            elif count:
                narrow[place].append(f"{label}: {count}")
        start = start + width
    return narrow


def draw(*, table4: Path | str, paper: Sequence[str] = ()) -> Figure:
    """Draw how often each score was given, by model and format (paper Figure 8).

    Args:
        table4: tables/table4.csv.
        paper: resources/paper/table4.csv, where the paper's values are shown: as bars below ours.
    """
    table = read_table(table4)
    if paper:
        theirs = read_paper(paper[0])
        table = pandas.concat([table, theirs.assign(name="paper: " + theirs["name"], invalid=0)], ignore_index=True)
    labels = [model_label(name, fmt) for name, fmt in zip(table["name"], table["format"], strict=True)]
    figure = new_figure(8.2, 1.2 + len(table) * max(0.42, 0.1 + 0.17 * most_lines(labels)))
    axes = figure.add_subplot()
    # Shares, where the paper's 100 questions stand beside another number of ours.
    counts = table[list(COLUMNS)]
    totals = counts.sum(axis=1)
    shares = totals.nunique() > 1
    total = 100.0 if shares else float(totals.max())
    narrow = _draw_bars(axes, table, counts.div(totals, axis=0) * 100 if shares else counts, total)
    for place, notes in enumerate(narrow):
        axes.text(1.01 * total, place, "\n".join(notes), va="center", fontsize=7.5, color=DARK)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, total)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("% of the questions; numbers: questions" if shares else "Questions")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=5, handlelength=1.2)
    return figure
