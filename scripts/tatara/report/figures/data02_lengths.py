"""Data figure 2: lengths of questions and answers of the pool."""

from pathlib import Path

import numpy
import pandas
from matplotlib.figure import Figure

from tatara.files.jsonl import read_jsonl
from tatara.report.figures.style import BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure


def draw(*, pool: Path | str) -> Figure:
    """Draw the length of questions and answers of qa/pool.jsonl, by template generation."""
    lengths = [
        {"version": row["version"], "question": len(row["question"]), "answer": len(row["answer"])}
        for row in read_jsonl(pool)
    ]
    rows = pandas.DataFrame(lengths)
    figure = new_figure(9.2, 3.4)
    colours = dict(zip(sorted(rows["version"].unique()), (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION), strict=False))
    for axes, column, title in zip(
        figure.subplots(1, 2), ("answer", "question"), ("a  Answers", "b  Questions"), strict=True
    ):
        bins = numpy.histogram_bin_edges(rows[column], bins=min(40, max(5, rows[column].nunique())))
        values = [rows.loc[rows["version"] == version, column] for version in colours]
        versions = [f"{version} ({len(x):,})" for version, x in zip(colours, values, strict=True)]
        axes.hist(values, bins=bins, stacked=True, color=list(colours.values()), label=versions)
        axes.axvline(rows[column].mean(), color=DARK, linestyle="--", linewidth=1)
        axes.set_title(f"{title}: mean {rows[column].mean():.1f} (dashed)")
        axes.set_xlabel("Characters")
        axes.set_ylabel("Pairs")
        axes.grid(axis="x", visible=False)
    handles, labels = axes.get_legend_handles_labels()
    title = {"title": "Template generation (pairs)", "title_fontsize": 8.5}
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), **title)
    return figure
