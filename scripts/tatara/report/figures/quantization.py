"""The quantization ladder: what each bit of size costs, by token. Drawn from quant/ladder.csv, so that figure and table
agree.
"""

from pathlib import Path

from tatara.files.formats import WITH_MATRIX, format_of
from tatara.report.figures.style import BLUE, DARK, ORANGE, new_figure, save, wrap
from tatara.report.table_text import read_table

SIDES = {"": (BLUE, "o", "without importance matrix"), WITH_MATRIX: (ORANGE, "D", "with importance matrix")}


def quant01_ladder(
    *,
    ladder: Path | str,
    png: Path | str,
    svg: Path | str,
    max_delta_nll: float,
    min_top1: float,
    level: float,
    notice: str = "",
) -> None:
    """Draw the NLL difference from F16, the KL divergence and the top-1 agreement of each format against its bits per
    weight, a column a model.

    Args:
        ladder: quant/ladder.csv.
        max_delta_nll, min_top1: bounds of table 6, drawn as lines.
    """
    table = read_table(ladder)
    models = list(dict.fromkeys(table["model"]))
    figure = new_figure(max(4.6, 1.4 + 3.1 * len(models)), 7.4)
    if not models:
        figure.text(0.5, 0.5, "No model has a GGUF file.", ha="center")
        save(figure, png, svg, notice)
        return
    panels = figure.subplots(3, len(models), squeeze=False, sharey="row", sharex="col")
    handles = []
    for column, model in enumerate(models):
        rows = table[(table["model"] == model) & (table["variant"] != "f16")]
        alone = not rows["variant"].str.endswith(WITH_MATRIX).any()  # side by side only where both are drawn
        for side, (colour, mark, label) in SIDES.items():
            part = rows[rows["variant"].str.endswith(WITH_MATRIX) == bool(side)].sort_values("bits_per_weight")
            if part.empty:
                continue
            for axes, key, factor in zip(panels[:, column], ("nll_difference", "kl", "top1"), (1, 1, 100), strict=True):
                value, low, high = (factor * part[name].astype(float) for name in (key, f"{key}_low", f"{key}_high"))
                x = part["bits_per_weight"] + (0 if alone else 0.06 if side else -0.06)
                line = axes.errorbar(
                    x,
                    value,
                    yerr=[value - low, high - value],
                    fmt=f"{mark}-",
                    color=colour,
                    markersize=5,
                    linewidth=1.2,
                    capsize=3,
                    label=label,
                )
            if not column:
                handles.append(line)
        top, middle, bottom = panels[:, column]
        top.axhline(0, color=DARK, linewidth=0.9)
        handles += (
            [top.axhline(max_delta_nll, color="#a33", linewidth=1.0, linestyle="--", label="bounds of table 6")]
            if not column
            else []
        )
        if column:
            top.axhline(max_delta_nll, color="#a33", linewidth=1.0, linestyle="--")
        bottom.axhline(100 * min_top1, color="#a33", linewidth=1.0, linestyle="--")
        middle.set_yscale("log")
        top.set_title(wrap(str(rows["name"].iloc[0]), 26))
        plain = rows[~rows["variant"].str.endswith(WITH_MATRIX)]
        names = [
            f"{format_of(v).label}\n{bits:.1f}"
            for v, bits in zip(plain["variant"], plain["bits_per_weight"], strict=True)
        ]
        bottom.set_xticks(plain["bits_per_weight"], names, fontsize=7, rotation=45)
        bottom.set_xlabel(f"Format, bits per weight\nbars: {100 * level:g} % intervals")
    for axes, label in zip(
        panels[:, 0], ("Δ NLL, nats per token", "KL from F16, nats per token", "Same top token as F16, %"), strict=True
    ):
        axes.set_ylabel(label)
    figure.legend(handles=handles, loc="outside upper center", ncols=3 if len(models) > 1 else 1)
    save(figure, png, svg, notice)
