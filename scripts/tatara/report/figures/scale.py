"""Figures 5 and 6: training loss, and the test-set NLL by size."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import pandas

from tatara.measure.results import read_json
from tatara.measure.selection import BETTER, SAME, WORSE, read_scale
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PLATE,
    PURPLE,
    SELECTED,
    SKY,
    VERMILION,
    new_figure,
    save,
    size_axis,
    size_colours,
)
from tatara.report.paper import read_paper

MARKS = {BETTER: ("v", GREEN), SAME: ("o", GREY), WORSE: ("^", VERMILION)}


def smoothed(losses: list[float]) -> list[float]:
    """Return the centred running mean over a twentieth of the steps (at least 3)."""
    window = max(3, round(len(losses) / 20) | 1)
    return pandas.Series(losses).rolling(window, center=True, min_periods=1).mean().to_list()


PAPER = {
    "color": GREY,
    "marker": "D",
    "markerfacecolor": "white",
    "markersize": 5,
}  # how the paper's own values are drawn


def fig05_training_loss(
    *, train: list[str], png: Path | str, svg: Path | str, notice: str = "", paper: Sequence[str] = ()
) -> None:
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
        axes.plot(epochs, losses, color=colours[n], linewidth=0.6, alpha=0.25, zorder=1.5)
        axes.plot(
            epochs, smoothed(losses), color=colours[n], linewidth=1.7, label="" if n in labelled else f"n = {n:,}"
        )
        labelled.add(n)
    last = max(report["epochs"] for report in reports)
    printed = read_paper(paper[0]).set_index("n")["final_loss"] if paper else {}
    for n in sorted(labelled & set(printed.keys())):
        axes.plot(
            [last],
            [printed[n]],
            **{**PAPER, "color": colours[n]},
            clip_on=False,
            linestyle="none",
            label=f"paper, n = {n:,}: last step",
        )
    axes.set_xlim(0, last)
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Training loss (nats per answer token)")
    axes.set_title("Running mean over a twentieth of the steps; faint: every step")
    figure.legend(loc="outside right upper", title="Size")
    save(figure, png, svg, notice)


def _dodge(rows: list[dict], places: dict[int, float]) -> list[float]:
    """Return x of each row: several seeds of one size stand side by side."""
    seeds = sorted({row["seed"] for row in rows})
    xs = sorted(places.values())
    step = 0.5 / len(seeds) * min((b - a for a, b in itertools.pairwise(xs)), default=1.0)
    return [places[row["n"]] + (seeds.index(row["seed"]) - (len(seeds) - 1) / 2) * step for row in rows]


def _by_seed(rows: list[dict], x: list[float]) -> list[tuple[list[float], list[dict]]]:
    seeds = sorted({row["seed"] for row in rows})
    picked = [[index for index, row in enumerate(rows) if row["seed"] == seed] for seed in seeds]
    return [([x[index] for index in indices], [rows[index] for index in indices]) for indices in picked]


def _errors(rows: list[dict], name: str, value: str, transform=lambda x: x) -> list[list[float]]:
    return [
        [transform(row[value]) - transform(row[f"{name}_low"]) for row in rows],
        [transform(row[f"{name}_high"]) - transform(row[value]) for row in rows],
    ]


def fig06_scale_nll(
    *,
    scale: Path | str,
    selected: Path | str,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
    level: float = 0.95,
    paper: Sequence[str] = (),
) -> None:
    """Draw training loss, test NLL, its paired difference from the size before, and perplexity by size (paper Figure
    6).

    Args:
        scale: scale/scale.csv.
        selected: scale/selected.json; the selected size is marked.
        level: confidence level of the intervals in scale.csv.
        paper: resources/paper/table2.csv, where the paper's values are shown: those of the sizes that both have.
    """
    rows, chosen = read_scale(scale), read_json(selected)["n"]
    sizes = sorted({row["n"] for row in rows})
    figure = new_figure(9.2, 6.0)
    (top_left, top_right), (low_left, low_right) = figure.subplots(2, 2)
    panels = (top_left, top_right, low_left, low_right)
    for axes in panels:
        places = size_axis(axes, sizes)
        left, right = axes.get_xlim()
        gaps = [b - a for a, b in itertools.pairwise(sorted(places.values()))]
        half = 0.36 * min(gaps) if gaps else 0.3 * (right - left)
        band = axes.axvspan(
            places[chosen] - half, places[chosen] + half, color=SELECTED, zorder=0, label=f"selected, n = {chosen:,}"
        )
    x = _dodge(rows, places)

    handles = [band]
    for name, colour, mark, label in (
        ("final_loss", ORANGE, "s", "a: last step"),
        ("mean_loss", SKY, "D", "a: mean of all steps"),
    ):
        for index, (xs, part) in enumerate(_by_seed(rows, x)):
            (line,) = top_left.plot(
                xs, [row[name] for row in part], f"{mark}-", color=colour, markersize=5, linewidth=1.4, label=label
            )
            handles += [] if index else [line]
    top_left.set_title("a  Training loss")
    top_left.set_ylabel("nats per answer token")

    for xs, part in _by_seed(rows, x):
        top_right.errorbar(
            xs,
            [row["nll"] for row in part],
            _errors(part, "nll", "nll"),
            fmt="o-",
            color=BLUE,
            capsize=4,
            linewidth=1.4,
        )
        ppl = [row["ppl"] for row in part]
        low_right.errorbar(
            xs, ppl, _errors(part, "nll", "nll", math.exp), fmt="o-", color=PURPLE, capsize=4, linewidth=1.4
        )
    top_right.set_title(f"b  Test NLL, {100 * level:g} % intervals over questions")
    top_right.set_ylabel("nats per answer token")
    low_right.set_title(f"d  Test perplexity, {100 * level:g} % intervals")
    low_right.set_ylabel("PPL = exp(NLL)")

    printed = read_paper(paper[0]).set_index("n") if paper else pandas.DataFrame()
    both = [n for n in sizes if n in printed.index]
    if both:
        for axes, column in ((top_right, "nll"), (low_right, "ppl"), (low_left, "delta_nll")):
            (line,) = axes.plot(
                [places[n] for n in both],
                printed.loc[both, column],
                **PAPER,
                linestyle=":",
                linewidth=1.2,
                label="paper, 8 B",
            )
        handles.append(line)

    low_left.axhline(0, color=DARK, linewidth=0.9)
    for status, (mark, colour) in MARKS.items():
        points = [(place, row) for place, row in zip(x, rows, strict=True) if row["status"] == status]
        if not points:
            continue
        xs, part = zip(*points, strict=True)
        change = [row["delta_nll"] for row in part]
        (line,) = low_left.plot(xs, change, mark, color=colour, markersize=6, label=f"c: {status}")
        low_left.errorbar(
            xs,
            change,
            _errors(part, "delta", "delta_nll"),
            fmt="none",
            ecolor=DARK,
            elinewidth=1.1,
            capsize=4,
            zorder=3,
        )
        handles.append(line)
    low_left.set_title(f"c  NLL against the size before, paired, {100 * level:g} % intervals")
    low_left.set_ylabel("Δ nats per answer token")
    if len(sizes) == 1:
        low_left.text(
            0.5, 0.5, "one size: nothing to compare with", transform=low_left.transAxes, ha="center", bbox=PLATE
        )
    rows = 1 if len(handles) <= 6 else 2
    figure.legend(handles=handles, loc="outside upper center", ncols=math.ceil(len(handles) / rows), columnspacing=1.4)
    save(figure, png, svg, notice)
