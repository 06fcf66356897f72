"""Figure 3: how long the training answers and questions are."""

from collections.abc import Sequence
from pathlib import Path

import pandas
from matplotlib.figure import Figure

from tatara.report.figures.style import BLUE, GREY, ORANGE, annotate, new_figure, size_axis
from tatara.report.paper import paper_numbers


def draw(*, quality: Path | str, paper: Sequence[str] = ()) -> Figure:
    """Draw mean and SD of the answers' length, and the questions' mean length, by size (paper Figure 3).

    Args:
        quality: subsets/quality.csv; lengths in characters.
        paper: resources/paper/text.csv, where the paper's values are shown: the range of its answers' mean lengths.
    """
    rows = pandas.read_csv(quality, keep_default_na=False)
    mean, sd, question = (
        rows[rows["metric"] == metric].set_index("n")["value"]
        for metric in ("answer_chars_mean", "answer_chars_sd", "question_chars_mean")
    )
    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    places = size_axis(axes, list(mean.index))
    x = [places[n] for n in mean.index]
    answers = axes.errorbar(x, mean, sd[mean.index], fmt="o-", color=BLUE, capsize=4, linewidth=1.4)
    (questions,) = axes.plot(x, question[mean.index], "s--", color=ORANGE, linewidth=1.2, markersize=5)
    for values, colour in ((mean, BLUE), (question[mean.index], "#9a6a00")):
        for place, value in zip(x, values, strict=True):
            annotate(axes, f"{value:.0f}", (place, value), (6, 5), 8.5, color=colour)
    axes.set_ylim(0, float((mean + sd[mean.index]).max()) * 1.08)
    axes.set_ylabel("Characters")
    handles, labels = [answers, questions], ["answers: mean ± SD over the pairs", "questions: mean"]
    if numbers := paper_numbers(paper):
        low, high = numbers["answer_low"], numbers["answer_high"]
        handles.append(axes.axhspan(low, high, color=GREY, alpha=0.35, linewidth=0, zorder=0.5))
        labels.append(f"paper: answers, {low:g}–{high:g}")
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure
