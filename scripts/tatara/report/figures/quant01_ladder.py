"""The quantization ladder: what each bit of size costs. Drawn from quant/ladder.csv, so that figure and table agree."""

from pathlib import Path

import numpy
import pandas
from matplotlib.figure import Figure

from tatara.files.formats import WITH_MATRIX, format_of
from tatara.report.figures.style import BLUE, DARK, ORANGE, PLATE, error_bars, new_figure, wrap
from tatara.report.text_table import read_table

SIDES = {"": (BLUE, "o", "without importance matrix"), WITH_MATRIX: (ORANGE, "D", "with importance matrix")}
MEASURES = (
    ("nll_difference", 1, "Δ NLL, nats per token"),
    ("kl", 1, "KL from F16, nats per token"),
    ("top1", 100, "Same top token as F16, %"),
)
BOUND = {"color": "#a33", "linewidth": 1.0, "linestyle": "--"}


def _draw_points(panels: numpy.ndarray, rows: pandas.DataFrame) -> list:
    """Draw the three measures of one model's variants against bits per weight; return a handle for each side."""
    both = rows["variant"].str.endswith(WITH_MATRIX).any()  # side by side only where both are drawn
    handles = []
    for side, (colour, mark, label) in SIDES.items():
        part = rows[rows["variant"].str.endswith(WITH_MATRIX) == bool(side)].sort_values("bits_per_weight")
        if part.empty:
            continue
        x = part["bits_per_weight"] + (0.06 if side else -0.06) * both
        style = {"fmt": f"{mark}-", "color": colour, "markersize": 5, "linewidth": 1.2, "capsize": 3, "label": label}
        for axes, (key, factor, _) in zip(panels, MEASURES, strict=True):
            value, low, high = (factor * part[f"{key}{end}"].astype(float) for end in ("", "_low", "_high"))
            line = axes.errorbar(x, value, yerr=error_bars(value, low, high), **style)
        handles.append(line)
    return handles


def _label_formats(axes, rows: pandas.DataFrame, level: float) -> None:
    """Write the formats' names below their bits per weight."""
    plain = rows[~rows["variant"].str.endswith(WITH_MATRIX)]
    bits = plain["bits_per_weight"]
    names = [f"{format_of(variant).label}\n{b:.1f}" for variant, b in zip(plain["variant"], bits, strict=True)]
    axes.set_xticks(bits, names, fontsize=7, rotation=45)
    axes.set_xlabel(f"Format, bits per weight\nbars: {100 * level:g} % intervals")


def draw(*, ladder: Path | str, max_delta_nll: float, min_top1: float, level: float) -> Figure:
    """Draw the NLL difference from F16, KL divergence and top-1 agreement of each format, a column a model.

    Args:
        ladder: quant/ladder.csv.
        max_delta_nll, min_top1: bounds of table 6, drawn as lines.
        level: confidence level of the intervals.
    """
    table = read_table(ladder)
    models = list(dict.fromkeys(table["model"]))
    figure = new_figure(max(4.6, 1.4 + 3.1 * len(models)), 7.4)
    if not models:
        figure.text(0.5, 0.5, "No model has a GGUF file.", ha="center")
        return figure
    panels = figure.subplots(3, len(models), squeeze=False, sharey="row", sharex="col")
    legend = []
    for column, model in enumerate(models):
        rows = table[(table["model"] == model) & (table["variant"] != "f16")]
        handles = _draw_points(panels[:, column], rows)
        top, middle, bottom = panels[:, column]
        top.axhline(0, color=DARK, linewidth=0.9)
        bound = top.axhline(max_delta_nll, **BOUND, label="bounds of table 6")
        legend = legend or [*handles, bound]
        bottom.axhline(100 * min_top1, **BOUND)
        if rows["kl"].notna().any():
            middle.set_yscale("log")
        else:
            words = "no question has a reference answer"
            middle.text(0.5, 0.5, words, transform=middle.transAxes, ha="center", fontsize=7, bbox=PLATE)
        top.set_title(wrap(str(rows["name"].iloc[0]), 26))
        _label_formats(bottom, rows, level)
    for axes, (_, _, label) in zip(panels[:, 0], MEASURES, strict=True):
        axes.set_ylabel(label)
    figure.legend(handles=legend, loc="outside upper center", ncols=3 if len(models) > 1 else 1)
    return figure
