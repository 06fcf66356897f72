"""Figure 5: training loss by epoch and size."""

from collections.abc import Sequence

import pandas
from matplotlib.figure import Figure

from tatara.measure.results import read_json
from tatara.report.figures.style import PAPER_MARK, new_figure, size_colours
from tatara.report.paper import read_paper


def smoothed(losses: list[float]) -> list[float]:
    """Return the centred running mean over a twentieth of the steps (at least 3)."""
    window = max(3, round(len(losses) / 20) | 1)
    return pandas.Series(losses).rolling(window, center=True, min_periods=1).mean().to_list()


def draw(*, train: list[str], paper: Sequence[str] = ()) -> Figure:
    """Draw training loss by epoch for each size, smoothed over the raw values (paper Figure 5).

    Args:
        train: train.json of each stage 1 run; several seeds of a size share its colour.
        paper: resources/paper/table1.csv, where the paper's values are shown: the final loss of the sizes that both
            have.
    """
    reports = sorted((read_json(path) for path in train), key=lambda report: (report["n"], report["seed"]))
    colours = size_colours([report["n"] for report in reports])
    figure = new_figure(7.2, 4.0)
    axes = figure.add_subplot()
    labelled = set()
    for report in reports:
        n = report["n"]
        epochs, losses = [step["epoch"] for step in report["steps"]], [step["loss"] for step in report["steps"]]
        label = "" if n in labelled else f"n = {n:,}"
        axes.plot(epochs, losses, color=colours[n], linewidth=0.6, alpha=0.25, zorder=1.5)
        axes.plot(epochs, smoothed(losses), color=colours[n], linewidth=1.7, label=label)
        labelled.add(n)
    last = max(report["epochs"] for report in reports)
    paper_losses = read_paper(paper[0]).set_index("n")["final_loss"] if paper else {}
    for n in sorted(labelled & set(paper_losses.keys())):
        mark = {**PAPER_MARK, "color": colours[n], "clip_on": False, "linestyle": "none"}
        axes.plot([last], [paper_losses[n]], **mark, label=f"paper, n = {n:,}: last step")
    axes.set_xlim(0, last)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Training loss (nats per answer token)")
    axes.set_title("Running mean over a twentieth of the steps; faint: every step")
    figure.legend(loc="outside right upper", title="Size")
    return figure
