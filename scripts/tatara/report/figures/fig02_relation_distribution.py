"""Figure 2: the relation types of each training subset."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas
from matplotlib.figure import Figure

from tatara.data.schema import read_schema
from tatara.report.figures.style import DARK, VERMILION, new_figure, size_colours
from tatara.report.figures.subsets import shares_by_size
from tatara.report.paper import paper_numbers


def draw(*, quality: Path | str, schema: Path | str, paper: Sequence[str] = ()) -> Figure:
    """Draw the share of each relation type in each subset (paper Figure 2).

    Args:
        quality: subsets/quality.csv.
        schema: schema.yaml, for the display names.
        paper: resources/paper/text.csv, where the paper's values are shown: the share of HAS_CHAPTER that it prints.
    """
    names = {type_: relation.name for type_, relation in read_schema(schema).relations.items()}
    shares = 100 * shares_by_size(pandas.read_csv(quality, keep_default_na=False), "relation_share", list(names))
    shares = shares.loc[shares[shares.columns.max()].sort_values(ascending=False, kind="stable").index]
    sizes, colours = list(shares.columns), size_colours(list(shares.columns))
    figure = new_figure(7.2, 1.1 + len(shares) * max(0.34, 0.075 * len(sizes)))
    axes = figure.add_subplot()
    thickness = 0.82 / len(sizes)
    for index, n in enumerate(sizes):
        places = numpy.arange(len(shares)) + (index - (len(sizes) - 1) / 2) * thickness
        axes.barh(places, shares[n], height=thickness, color=colours[n], label=f"n = {n:,}")
    numbers = paper_numbers(paper)
    if numbers and "HAS_CHAPTER" in shares.index:
        row, share = list(shares.index).index("HAS_CHAPTER"), numbers["share_subsets"]
        axes.plot([share, share], [row - 0.47, row + 0.47], color="white", linewidth=4.5)
        axes.plot([share, share], [row - 0.47, row + 0.47], color=VERMILION, linewidth=2.0, label=f"paper: {share:g} %")
    for place, largest, last in zip(range(len(shares)), shares.max(axis=1), shares[sizes[-1]], strict=True):
        axes.text(largest + 0.25, place, f"{last:.1f}", va="center", fontsize=8, color=DARK)
    axes.set_yticks(range(len(shares)), [f"{names.get(type_, '')}  {type_}".strip() for type_ in shares.index])
    axes.invert_yaxis()
    axes.set_xlim(0, shares.to_numpy().max() * 1.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Share of the subset (%); the number is that of the largest subset")
    figure.legend(loc="outside upper center", ncols=min(6, len(sizes) + bool(numbers)), handlelength=1.2)
    return figure
