"""Data figure 4: how near the test questions come to training."""

from pathlib import Path

import numpy
from matplotlib.figure import Figure

from tatara.measure.results import read_json
from tatara.report.figures.style import BLUE, VERMILION, annotate, new_figure


def draw(*, overlap: Path | str) -> Figure:
    """Draw how much of each test question its nearest training question holds, beside the threshold of the build.

    Args:
        overlap: testset/overlap.json.
    """
    content = read_json(overlap)
    values, threshold = [row["containment"] for row in content["questions"]], content["threshold"]
    figure = new_figure(6.4, 3.2)
    axes = figure.add_subplot()
    axes.hist(values, bins=numpy.arange(0, 1.0001, 0.025), color=BLUE)
    axes.axvline(threshold, color=VERMILION, linestyle="--", linewidth=1.3)
    text, style = f"the build stops\nabove {threshold:g}", {"ha": "right", "va": "top", "color": "#a04000"}
    annotate(axes, text, (threshold, 0.97), (-6, 0), 8.5, xycoords=("data", "axes fraction"), **style)
    axes.set_xlim(0, 1)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("Share of a test question's character bigrams that its nearest training question holds")
    axes.set_ylabel(f"Test questions ({len(values)})")
    axes.set_title(f"mean {numpy.mean(values):.3f}, largest {max(values):.3f}")
    axes.grid(axis="x", visible=False)
    return figure
