"""Figure 6: likelihood of the test set and the probe by training size, beside the training loss."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tatara.measure.results import read_json
from tatara.measure.sizes import BETTER, SAME, WORSE, read_scale
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PAPER_MARK,
    PLATE,
    PURPLE,
    SELECTED,
    SKY,
    VERMILION,
    error_bars,
    new_figure,
    size_axis,
)
from tatara.report.paper import read_paper
from tatara.report.text_table import read_table

STATUS_MARKS = {BETTER: ("v", GREEN), SAME: ("o", GREY), WORSE: ("^", VERMILION)}
LOSSES = (("final_loss", ORANGE, "s", "a: last step"), ("mean_loss", SKY, "D", "a: mean of all steps"))
RECALLS = (("taught", "d: of facts that are taught", GREEN, "o", -1), ("untaught", "d: of other facts", GREY, "s", 1))
Series = list[tuple[list[float], list[dict]]]


def _side_by_side(rows: list[dict], places: dict[int, float]) -> list[float]:
    """Return x of each row: several seeds of one size stand side by side."""
    seeds = sorted({row["seed"] for row in rows})
    xs = sorted(places.values())
    step = 0.5 / len(seeds) * min((b - a for a, b in itertools.pairwise(xs)), default=1.0)
    return [places[row["n"]] + (seeds.index(row["seed"]) - (len(seeds) - 1) / 2) * step for row in rows]


def _by_seed(rows: list[dict], x: list[float]) -> Series:
    """Return x and rows of each seed, which a line connects."""
    seeds = sorted({row["seed"] for row in rows})
    indices = [[index for index, row in enumerate(rows) if row["seed"] == seed] for seed in seeds]
    return [([x[index] for index in part], [rows[index] for index in part]) for part in indices]


def _ends(rows: Sequence[dict], value: str, interval: str) -> list[list[float]]:
    """Return values, lower and upper ends of the rows."""
    return [[row[key] for row in rows] for key in (value, f"{interval}_low", f"{interval}_high")]


def _mark_selected(panels: Sequence[Axes], sizes: list[int], chosen: int) -> tuple[dict[int, float], object]:
    """Label each panel's x axis and mark the selected size; return where each size stands, and the mark's handle."""
    for axes in panels:
        places = size_axis(axes, sizes)
        left, right = axes.get_xlim()
        gaps = [b - a for a, b in itertools.pairwise(sorted(places.values()))]
        half = 0.36 * min(gaps) if gaps else 0.3 * (right - left)
        ends = places[chosen] - half, places[chosen] + half
        band = axes.axvspan(*ends, color=SELECTED, zorder=0, label=f"selected, n = {chosen:,}")
    return places, band


def _draw_losses(axes: Axes, series: Series) -> list:
    handles = []
    for name, colour, mark, label in LOSSES:
        for index, (xs, part) in enumerate(series):
            losses = [row[name] for row in part]
            (line,) = axes.plot(xs, losses, f"{mark}-", color=colour, markersize=5, linewidth=1.4, label=label)
            handles += [] if index else [line]
    axes.set_title("a  Training loss")
    axes.set_ylabel("nats per answer token")
    return handles


def _draw_likelihoods(panels: dict[str, Axes], series: Series, level: float) -> None:
    """Draw likelihood and perplexity of each seed; `panels` has the column of each."""
    looks = {
        "nll": (BLUE, f"b  Test NLL, {100 * level:g} % intervals over questions", "nats per answer token"),
        "ppl": (PURPLE, f"d  Test perplexity, {100 * level:g} % intervals", "PPL = exp(NLL)"),
    }
    for key, axes in panels.items():
        colour, title, label = looks[key]
        for xs, part in series:
            values, low, high = _ends(part, key, key)
            bars = error_bars(values, low, high)
            axes.errorbar(xs, values, bars, color=colour, fmt="o-", capsize=4, linewidth=1.4)
        axes.set_title(title)
        axes.set_ylabel(label)


def _draw_paper(panels: dict[str, Axes], places: dict[int, float], paper: Sequence[str]) -> list:
    """Draw the paper's values of the sizes that both have; `panels` has the column of each."""
    values = read_paper(paper[0]).set_index("n") if paper else pandas.DataFrame()
    both = [n for n in places if n in values.index]
    if not both:
        return []
    xs, style = [places[n] for n in both], {**PAPER_MARK, "linestyle": ":", "linewidth": 1.2}
    for column, axes in panels.items():
        (line,) = axes.plot(xs, values.loc[both, column], **style, label="paper, 8 B")
    return [line]


def _draw_changes(axes: Axes, rows: list[dict], x: list[float], level: float) -> list:
    handles = []
    axes.axhline(0, color=DARK, linewidth=0.9)
    for status, (mark, colour) in STATUS_MARKS.items():
        points = [(place, row) for place, row in zip(x, rows, strict=True) if row["status"] == status]
        if not points:
            continue
        xs, part = zip(*points, strict=True)
        change, low, high = _ends(part, "delta_nll", "delta")
        (line,) = axes.plot(xs, change, mark, color=colour, markersize=6, label=f"c: {status}")
        bars = {"fmt": "none", "ecolor": DARK, "elinewidth": 1.1, "capsize": 4, "zorder": 3}
        axes.errorbar(xs, change, error_bars(change, low, high), **bars)
        handles.append(line)
    axes.set_title(f"c  NLL against the size before, paired, {100 * level:g} % intervals")
    axes.set_ylabel("Δ nats per answer token")
    return handles


def _draw_probe(panels: Sequence[Axes], table2: pandas.DataFrame, places: dict[int, float], level: float) -> list:
    """Draw the probe by size, of what training pairs teach and of what they hold out, and what nobody taught gets."""
    titles = ("e  Probe, what is taught", "f  Probe, relations held out")
    tuned = table2[table2["n"].isin(list(places))]
    untuned = table2[~table2["n"].isin(list(places))]
    handles = []
    for axes, key, title in zip(panels, ("probe", "probe_held_out"), titles, strict=True):
        values, low, high = (100 * tuned[column] for column in (key, f"{key}_low", f"{key}_high"))
        xs = [places[n] for n in tuned["n"]]
        axes.errorbar(xs, values, error_bars(values, low, high), fmt="o-", color=GREEN, capsize=4, linewidth=1.4)
        handles = [axes.axhline(25, color=GREY, linestyle=":", linewidth=1.2, label="e, f: chance, 25 %")]
        if len(untuned):
            base = 100 * float(untuned[key].iloc[0])
            axes.axhline(base, color=DARK, linestyle="--", linewidth=1.1)
        if tuned[key].isna().all():
            axes.text(0.5, 0.5, "no items", transform=axes.transAxes, ha="center", bbox=PLATE)
        axes.set_title(f"{title}, {100 * level:g} % intervals")
        axes.set_ylabel("% of the items answered right")
    return handles


def _draw_recall(axes: Axes, table2: pandas.DataFrame, places: dict[int, float], level: float) -> list:
    """Draw the recall of the development questions' facts by size, of those that the pairs teach and of the others."""
    tuned = table2[table2["n"].isin(list(places))]
    step = 0.06 * min((b - a for a, b in itertools.pairwise(sorted(places.values()))), default=1.0)
    handles = []
    for part, label, colour, mark, side in RECALLS:
        values, low, high = (100 * tuned[f"recall_{part}{end}"] for end in ("", "_low", "_high"))
        xs = [places[n] + side * step for n in tuned["n"]]
        style = {"fmt": f"{mark}-", "color": colour, "capsize": 4, "linewidth": 1.4, "label": label}
        handles.append(axes.errorbar(xs, values, error_bars(values, low, high), **style))
    for base in 100 * table2[~table2["n"].isin(list(places))]["recall"].dropna():
        axes.axhline(base, color=DARK, linestyle="--", linewidth=1.1)
    axes.set_title(f"d  Development facts recalled, {100 * level:g} % intervals")
    axes.set_ylabel("% of the facts required")
    axes.set_ylim(bottom=0)
    return handles


def _draw_untuned(panels: dict[str, Axes], untuned: Sequence[str]) -> list:
    """Draw the untuned model's likelihood as a line across; `panels` has the key of each."""
    content = read_json(untuned[0]) if untuned else {}
    style = {"color": DARK, "linestyle": "--", "linewidth": 1.1, "label": "untuned model"}
    return [axes.axhline(content[key], **style) for key, axes in panels.items() if content.get(key) is not None][:1]


def draw(
    *,
    scale: Path | str,
    table2: Path | str,
    selected: Path | str,
    level: float,
    untuned: Sequence[str] = (),
    paper: Sequence[str] = (),
) -> Figure:
    """Draw training loss, test NLL, its paired difference from the size before, perplexity (paper Figure 6) and probe.

    Where answers were compared by size, their recall takes the place of perplexity, which says the same as NLL.

    Args:
        scale: scale/scale.csv.
        table2: tables/table2.csv, for the probe and recall.
        selected: scale/selected.json; the selected size is marked.
        level: confidence level of the intervals in scale.csv.
        untuned: the NLL file of the untuned model, or none.
        paper: resources/paper/table2.csv, where the paper's values are shown: those of the sizes that both have.
    """
    rows = read_scale(scale)
    sizes = sorted({row["n"] for row in rows})
    figure = new_figure(12.6, 6.0)
    (losses, nll, taught), (changes, fourth, held_out) = figure.subplots(2, 3)
    held_out.sharey(taught)
    panels = (losses, nll, changes, fourth, taught, held_out)
    places, band = _mark_selected(panels, sizes, read_json(selected)["n"])
    x = _side_by_side(rows, places)
    series = _by_seed(rows, x)
    handles = [band, *_draw_losses(losses, series)]
    by_size = read_table(table2)
    recalled = bool(by_size["recall"].notna().any())
    likelihoods = {"nll": nll} if recalled else {"nll": nll, "ppl": fourth}
    _draw_likelihoods(likelihoods, series, level)
    if recalled:
        handles += _draw_recall(fourth, by_size, places, level)
    handles += _draw_untuned(likelihoods, untuned)
    handles += _draw_paper(likelihoods | {"delta_nll": changes}, places, paper)
    handles += _draw_changes(changes, rows, x, level)
    handles += _draw_probe((taught, held_out), by_size, places, level)
    words = {changes: "one size: nothing to compare with"} if len(sizes) == 1 else {}
    if all(math.isnan(row["nll"]) for row in rows):
        words = dict.fromkeys((*likelihoods.values(), changes), "no question has a reference answer")
    for axes, text in words.items():
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", bbox=PLATE)
    lines = 1 if len(handles) <= 8 else 2
    figure.legend(handles=handles, loc="outside upper center", ncols=math.ceil(len(handles) / lines), columnspacing=1.4)
    return figure
