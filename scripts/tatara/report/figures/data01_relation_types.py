"""Data figure 1: pairs of each relation type before and after undersampling."""

from collections import Counter
from pathlib import Path

import numpy
from matplotlib.figure import Figure

from tatara.data.schema import read_schema
from tatara.files.jsonl import read_jsonl
from tatara.report.figures.style import BLUE, DARK, SKY, new_figure


def draw(*, pairs: Path | str, pool: Path | str, schema: Path | str) -> Figure:
    """Draw how many pairs each relation type has before and after undersampling.

    Args:
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        schema: schema.yaml, for the display names.
    """
    names = {type_: relation.name for type_, relation in read_schema(schema).relations.items()}
    before, after = (Counter(row["relation_type"] for row in read_jsonl(path)) for path in (pairs, pool))
    types = [type_ for type_, _ in sorted(before.items(), key=lambda item: (-item[1], item[0]))]
    figure = new_figure(7.6, 1.0 + 0.42 * len(types))
    axes = figure.add_subplot()
    places = numpy.arange(len(types))
    for counts, shift, colour, name in ((before, -0.19, SKY, "before"), (after, 0.19, BLUE, "after")):
        label = f"{name}: {counts.total():,} pairs"
        axes.barh(places + shift, [counts[type_] for type_ in types], height=0.36, color=colour, label=label)
    for place, type_ in zip(places, types, strict=True):
        shares = f"{100 * before[type_] / before.total():.1f} % → {100 * after[type_] / after.total():.1f} %"
        text = f"  {before[type_]:,} → {after[type_]:,}   ({shares})"
        axes.text(before[type_], place, text, va="center", fontsize=8, color=DARK)
    axes.set_yticks(places, [f"{names.get(type_, '')}  {type_}".strip() for type_ in types])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.55 * max(before.values()))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Pairs (share of all pairs)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure
