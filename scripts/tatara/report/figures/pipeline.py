"""Figure 1: the pipeline as the workflow itself describes it, with what this study found at each stage."""

import re
import textwrap
from pathlib import Path

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tatara.measure.results import read_json
from tatara.report.figures.style import BLUE, DARK, GREEN, GREY, ORANGE, new_figure, save
from tatara.report.table_text import interval, read_table

TITLES = {
    "data": "Data",
    "base": "Base models",
    "stage1": "Stage 1: how much data",
    "stage2": "Stage 2: which model",
    "stage3": "Stage 3: GGUF",
    "evaluate": "Answers and likelihood",
    "judge": "Judge",
    "quantization": "Quantization, by token",
    "tables": "Tables",
    "figures": "Figures",
    "report": "Report",
    "deploy": "Deployment",
}
NUMBERED = re.compile(r"^([a-z]+\d\d)_.*")  # figures are named by their numbers here
LANES = ("#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#E69F00", "#5b6570")
FOUND = {"stage1": BLUE, "stage2": GREEN, "quantization": ORANGE}
LEFT, WIDTH, NOTE = 2.5, 5.0, 7.8


def findings(selected: Path | str, table3: Path | str, table6: Path | str) -> dict[str, str]:
    """Return stage -> what the study found there, in a sentence."""
    chosen, models, formats = read_json(selected), read_table(table3), read_table(table6)
    best = models[models["verdict"] == "best"].iloc[0]
    alike = int((models["verdict"] == "no difference shown").sum())
    score = interval(best["score"], best["score_low"], best["score_high"])
    same = f"; {alike} not shown to differ" if alike else ""
    return {
        "stage1": f"n = {chosen['n']:,} selected (rule {chosen['rule']}), test NLL {chosen['nll']:.4f}",
        "stage2": f"highest score: {best['name']}, {score}{same}",
        "quantization": "; ".join(
            f"{row.name_}: {row.recommended}" for row in formats.rename(columns={"name": "name_"}).itertuples()
        ),
    }


def fig01_pipeline(
    *,
    selected: Path | str,
    table3: Path | str,
    table6: Path | str,
    pipeline: dict,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
) -> None:
    """Draw the stages with their rules and what flows between them (paper Figure 1).

    Args:
        selected, table3, table6: scale/selected.json, tables/table3.csv, tables/table6.csv: what was found stands
            beside its stage.
        pipeline: from `pipeline.stages`.
    """
    notes = findings(selected, table3, table6)
    stages = list(pipeline["stages"])
    texts = {
        stage: textwrap.wrap(", ".join(NUMBERED.sub(r"\1", rule) for rule in rules), 62)
        for stage, rules in pipeline["stages"].items()
    }
    beside = {stage: textwrap.wrap(notes.get(stage, ""), 40, break_on_hyphens=False) for stage in stages}
    heights = {stage: 0.36 + 0.19 * max(len(texts[stage]), len(beside[stage]) - 1) for stage in stages}
    gap, total = 0.22, sum(heights.values()) + 0.22 * (len(stages) - 1)
    figure = new_figure(11.0, 0.3 + 0.86 * total)
    axes = figure.add_subplot()
    axes.set_xlim(0, 11.0)
    axes.set_ylim(total + 0.05, -0.05)
    axes.axis("off")
    middle, top = {}, 0.0
    for stage in stages:
        colour = FOUND.get(stage, GREY)
        box = FancyBboxPatch(
            (LEFT, top),
            WIDTH,
            heights[stage],
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.8 if stage in FOUND else 1.1,
        )
        axes.add_patch(box)
        axes.text(LEFT + 0.12, top + 0.17, TITLES.get(stage, stage), fontsize=9.5, color=DARK, va="center")
        axes.text(
            LEFT + 0.12, top + 0.29, "\n".join(texts[stage]), fontsize=7.2, color="#5b6570", va="top", linespacing=1.25
        )
        axes.text(NOTE, top + heights[stage] / 2, "\n".join(beside[stage]), fontsize=8.6, color=DARK, va="center")
        if stage in notes:
            axes.plot([LEFT + WIDTH, NOTE - 0.08], [top + heights[stage] / 2] * 2, color=colour, linewidth=1.4)
        middle[stage] = (top, heights[stage])
        top += heights[stage] + gap
    places = {stage: place for place, stage in enumerate(stages)}
    arrow = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    for start, end in pipeline["flows"]:
        if places[end] == places[start] + 1:
            (y1, h1), (y2, _) = middle[start], middle[end]
            axes.add_patch(
                FancyArrowPatch((LEFT + WIDTH / 2, y1 + h1), (LEFT + WIDTH / 2, y2), color="#5b6570", **arrow)
            )
    skipping = {
        start: sorted(
            (end for a, end in pipeline["flows"] if a == start and places[end] > places[start] + 1), key=places.get
        )
        for start in stages
    }
    lanes = [start for start in stages if skipping[start]]
    for lane, start in enumerate(lanes):
        # What skips stages goes down in a lane of its own, the earliest stage's furthest out.
        x, colour = LEFT - 0.3 - (len(lanes) - 1 - lane) * 2.1 / max(1, len(lanes) - 1), LANES[lane % len(LANES)]
        share = 0.08 + 0.75 * lane / max(1, len(lanes) - 1)
        y, height = middle[start]
        out = y + 0.93 * height
        ends = [middle[end][0] + share * middle[end][1] for end in skipping[start]]
        axes.plot([LEFT, x, x], [out, out, ends[-1]], color=colour, linewidth=1.1)
        for end in ends:
            axes.add_patch(FancyArrowPatch((x, end), (LEFT, end), color=colour, **arrow))
    save(figure, png, svg, notice)
