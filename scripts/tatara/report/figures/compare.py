"""Figures 7 and 8: the models beside each other. Both are drawn from the tables' CSV files, so that figure and table
agree.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas
from matplotlib.ticker import MaxNLocator

from tatara.files.formats import FORMATS
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PLATE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    new_figure,
    save,
    wrap,
)
from tatara.report.paper import read_paper
from tatara.report.table_text import read_table

# Score -> colour and the colour of the number on it.
SCORES = {
    "score3": (BLUE, "white"),
    "score2": (SKY, DARK),
    "score1": (YELLOW, DARK),
    "score0": (VERMILION, "white"),
    "invalid": ("#d5d8dc", DARK),
}


def _labels(table: pandas.DataFrame, width: int = 20) -> list[str]:
    return [
        f"{wrap(str(name), width)}\n{FORMATS[fmt].label}"
        for name, fmt in zip(table["name"], table["format"], strict=True)
    ]


def fig07_model_comparison(
    *,
    table3: Path | str,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
    level: float = 0.95,
    paper: Sequence[str] = (),
) -> None:
    """Draw score, perfect-score rate, length and time of each model with intervals (paper Figure 7).

    Args:
        table3: tables/table3.csv.
        level: confidence level of its intervals.
        paper: resources/paper/table3.csv, where the paper's values are shown: in brackets, and as diamonds where they
            have room.
    """
    table = read_table(table3)
    labels = _labels(table)
    lines = max(label.count("\n") + 1 for label in labels)
    figure = new_figure(9.2, 1.7 + 2 * len(table) * (0.2 + 0.17 * lines))
    panels = figure.subplots(2, 2, sharey=True).flat
    printed = read_paper(paper[0]).set_index("model").reindex(table["model"]) if paper else None
    y = numpy.arange(len(table))
    for axes, (key, factor, title, unit, colour, decimals, top) in zip(
        panels,
        [
            ("score", 1, "a  Average score", "0 to 3", BLUE, 2, 3.0),
            ("perfect", 100, "b  Perfect-score rate", "% of the questions", GREEN, 0, 100.0),
            ("characters", 1, "c  Length of an answer", "characters", ORANGE, 0, None),
            ("seconds", 1, "d  Time of an answer", "seconds", PURPLE, 2, None),
        ],
        strict=True,
    ):
        value, low, high = (factor * table[column].astype(float) for column in (key, f"{key}_low", f"{key}_high"))
        axes.barh(y, value, color=colour, alpha=0.85, height=0.62)
        axes.errorbar(value, y, xerr=[value - low, high - value], fmt="none", ecolor=DARK, elinewidth=1.1, capsize=3)
        ends = high.fillna(value)
        reach = max(float(ends.max()), top or 0.0) or 1.0
        theirs = factor * printed[key].to_numpy(float) if paper else numpy.full(len(y), numpy.nan)
        for place, number, end, other in zip(y, value, ends, theirs, strict=True):
            text = f"{number:,.{decimals}f}" + ("" if numpy.isnan(other) else f"  ({other:,.{decimals}f})")
            start = max(end, other) if other <= reach else end
            axes.annotate(
                text,
                (start, place),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=DARK,
                bbox=PLATE,
            )
        inside = theirs <= reach
        axes.plot(theirs[inside], y[inside], "D", markerfacecolor="white", markeredgecolor=DARK, markersize=5, zorder=4)
        axes.set_xlim(0, (1.36 if paper else 1.17) * reach)
        if top:
            axes.set_xticks(numpy.linspace(0, top, 4 if top == 3 else 5))
        axes.set_yticks(y, labels)
        axes.set_title(title)
        axes.set_xlabel(unit)
        axes.grid(axis="y", visible=False)
    axes.invert_yaxis()
    count = int(table["questions"].max())
    said = f"{count} question{'s' if count > 1 else ''}; bars: {100 * level:g} % intervals over questions"
    said += "; (n) and ◇: as printed in the paper, models of 8 B" if paper else ""
    figure.suptitle(said, fontsize=9, x=0.01, ha="left", color=DARK)
    save(figure, png, svg, notice)


def fig08_score_distribution(
    *, table4: Path | str, png: Path | str, svg: Path | str, notice: str = "", paper: Sequence[str] = ()
) -> None:
    """Draw how often each score was given, by model and format (paper Figure 8).

    Args:
        table4: tables/table4.csv.
        paper: resources/paper/table4.csv, where the paper's values are shown: as bars below ours.
    """
    table = read_table(table4)
    if paper:
        printed = read_paper(paper[0])
        table = pandas.concat([table, printed.assign(name="paper: " + printed["name"], invalid=0)], ignore_index=True)
    labels = [
        f"{wrap(str(name), 22)}  {FORMATS[fmt].label}" for name, fmt in zip(table["name"], table["format"], strict=True)
    ]
    lines = max(label.count("\n") + 1 for label in labels)
    figure = new_figure(8.2, 1.2 + len(table) * max(0.42, 0.1 + 0.17 * lines))
    axes = figure.add_subplot()
    y, start = numpy.arange(len(table)), numpy.zeros(len(table))
    # Shares, where the paper's 100 questions stand beside another number of ours.
    totals = table[list(SCORES)].sum(axis=1)
    shares = totals.nunique() > 1
    total = 100.0 if shares else float(totals.max())
    narrow: list[list[str]] = [[] for _ in table.index]  # counts that have no room in the bar stand beside it
    for key, (colour, ink) in SCORES.items():
        counts = table[key].to_numpy()
        widths = counts / totals.to_numpy() * 100 if shares else counts
        if key == "invalid" and not counts.any():
            continue
        axes.barh(
            y,
            widths,
            left=start,
            color=colour,
            height=0.7,
            label=key.replace("score", "score "),
            edgecolor="white",
            linewidth=0.6,
        )
        for place, count, width, left in zip(y, counts, widths, start, strict=True):
            if width >= 0.03 * total:
                axes.text(left + width / 2, place, str(count), ha="center", va="center", fontsize=8.5, color=ink)
            elif count:
                narrow[place].append(f"{key.replace('score', 'score ')}: {count}")
        start = start + widths
    for place, notes in zip(y, narrow, strict=True):
        axes.text(1.01 * total, place, "\n".join(notes), va="center", fontsize=7.5, color=DARK)
    axes.set_yticks(y, labels)
    axes.invert_yaxis()
    axes.set_xlim(0, total)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("% of the questions; numbers: questions" if shares else "Questions")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=5, handlelength=1.2)
    save(figure, png, svg, notice)
