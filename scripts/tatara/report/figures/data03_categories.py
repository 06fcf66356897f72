"""Data figure 3: categories of the training pool and of the test questions."""

from collections import Counter
from pathlib import Path

import numpy
from matplotlib.figure import Figure

from tatara.data.schema import read_schema
from tatara.files.jsonl import read_jsonl
from tatara.report.figures.style import BLUE, ORANGE, annotate, new_figure


def draw(*, pool: Path | str, testset: Path | str, schema: Path | str, label: str) -> Figure:
    """Draw the categories of the training pool beside those of the test questions.

    Args:
        pool, testset: qa/pool.jsonl, testset/test_set_200.jsonl.
        schema: schema.yaml; its categories give the order; those that only pairs have follow.
        label: the label of the questions that are evaluated, `all` for every one.
    """
    vocabulary = read_schema(schema)
    trained = Counter(row["category"] for row in read_jsonl(pool))
    asked = Counter(row["category"] for row in read_jsonl(testset) if label in ("all", row["label"]))
    categories = list(dict.fromkeys([*vocabulary.categories, *sorted(trained)]))
    figure = new_figure(7.6, 1.0 + 0.42 * len(categories))
    axes = figure.add_subplot()
    places = numpy.arange(len(categories))
    for counts, shift, colour, name in (
        (trained, -0.19, BLUE, "training pool"),
        (asked, 0.19, ORANGE, f"test questions ({label})"),
    ):
        total = max(1, counts.total())
        shares = [100 * counts[category] / total for category in categories]
        axes.barh(places + shift, shares, height=0.36, color=colour, label=f"{name}: {counts.total():,}")
        for place, share, category in zip(places, shares, categories, strict=True):
            text = f"{counts[category]:,} ({share:.1f} %)" if counts[category] else "none"
            annotate(axes, text, (share, place + shift), (3, 0), 7.5, va="center")
    axes.set_yticks(places, categories)
    axes.invert_yaxis()
    axes.margins(x=0.16)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Share (%)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure
