"""Figure 1: the pipeline as the workflow itself describes it, with what this study found at each stage."""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from tatara.measure.results import read_json
from tatara.report.figures.style import BLUE, DARK, GREEN, GREY, ORANGE, new_figure
from tatara.report.numbers import interval_of, percent
from tatara.report.tables.common import NO_DIFFERENCE
from tatara.report.text_table import read_table

TITLES = {
    "graph": "Graph and its pairs",
    "no_graph": "Pairs of one's own",
    "data": "Data",
    "qa": "Pairs and subsets",
    "sources": "Sources of models",
    "preflight": "Preflight",
    "base": "Base models",
    "stage1": "Stage 1: how much data",
    "stage2": "Stage 2: which model",
    "stage3": "Stage 3: GGUF",
    "evaluate": "Answers and likelihood",
    "compared": "What training is compared with",
    "knowledge": "What models know",
    "harm": "Harm: the rest of a model",
    "recipes": "Recipes: what teaches",
    "judges": "Who judges",
    "judge": "Judge",
    "quantization": "Quantization, by token",
    "tables": "Tables",
    "figures": "Figures",
    "report": "Report",
    "deploy": "Deployment",
}
NUMBERED = re.compile(r"^([a-z]+\d\d)_.*")  # figures are named by their numbers here
LANES = ("#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#E69F00", "#5b6570")
RESULT_COLOURS = {"stage1": BLUE, "stage2": GREEN, "quantization": ORANGE}
QUIET = "#5b6570"
LEFT, WIDTH, NOTE, GAP = 2.5, 5.0, 7.8, 0.22
ARROW = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}


class Box(NamedTuple):
    """A stage as it is drawn: its rules and what was found, in lines, and where it stands."""

    rules: list[str]
    note: list[str]
    top: float
    height: float


def findings(selected: Path | str, table3: Path | str, table6: Path | str) -> dict[str, str]:
    """Return stage -> what the study found there, in a sentence."""
    chosen, models, formats = read_json(selected), read_table(table3), read_table(table6)
    best = models[models["verdict"] == "best"].iloc[0]
    alike = int((models["verdict"] == NO_DIFFERENCE).sum())
    same = f"; {alike} not shown to differ" if alike else ""
    shipped = zip(formats["name"], formats["recommended"], strict=True)
    nll = "no NLL" if chosen["nll"] is None else f"{chosen['questions']} NLL {chosen['nll']:.4f}"
    measured = f"{percent(chosen['recall'])} of the facts" if "recall" in chosen else nll
    return {
        "stage1": f"n = {chosen['n']:,} selected ({chosen['rule']}), {measured}",
        "stage2": f"highest score: {best['name']}, {interval_of(best, 'score')}{same}",
        "quantization": "; ".join(f"{name}: {recommended}" for name, recommended in shipped),
    }


def _boxes(stages: dict[str, list[str]], notes: dict[str, str]) -> dict[str, Box]:
    boxes, top = {}, 0.0
    for stage, rules in stages.items():
        lines = textwrap.wrap(", ".join(NUMBERED.sub(r"\1", rule) for rule in rules), 62)
        note = textwrap.wrap(notes.get(stage, ""), 40, break_on_hyphens=False)
        height = 0.36 + 0.19 * max(len(lines), len(note) - 1)
        boxes[stage] = Box(lines, note, top, height)
        top += height + GAP
    return boxes


def _draw_box(axes: Axes, stage: str, box: Box) -> None:
    """Draw a stage, and beside it what was found there."""
    colour, middle = RESULT_COLOURS.get(stage, GREY), box.top + box.height / 2
    line = {"edgecolor": colour, "linewidth": 1.8 if stage in RESULT_COLOURS else 1.1}
    corners = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch((LEFT, box.top), WIDTH, box.height, boxstyle=corners, facecolor="white", **line))
    axes.text(LEFT + 0.12, box.top + 0.17, TITLES.get(stage, stage), fontsize=9.5, color=DARK, va="center")
    rules, style = "\n".join(box.rules), {"fontsize": 7.2, "color": QUIET, "va": "top", "linespacing": 1.25}
    axes.text(LEFT + 0.12, box.top + 0.29, rules, **style)
    axes.text(NOTE, middle, "\n".join(box.note), fontsize=8.6, color=DARK, va="center")
    if stage in RESULT_COLOURS:
        axes.plot([LEFT + WIDTH, NOTE - 0.08], [middle] * 2, color=colour, linewidth=1.4)


def _draw_flows(axes: Axes, boxes: dict[str, Box], flows: list[list[str]]) -> None:
    """Draw an arrow to the next stage, and a lane of its own on the left for what a stage gives to later ones."""
    places = {stage: place for place, stage in enumerate(boxes)}
    for start, end in flows:
        if places[end] == places[start] + 1:
            x, y = LEFT + WIDTH / 2, boxes[start].top + boxes[start].height
            axes.add_patch(FancyArrowPatch((x, y), (x, boxes[end].top), color=QUIET, **ARROW))
    later = {
        start: sorted((end for a, end in flows if a == start and places[end] > places[start] + 1), key=places.get)
        for start in boxes
    }
    lanes = [start for start in boxes if later[start]]
    for lane, start in enumerate(lanes):
        # The earliest stage's lane is the furthest out.
        x, colour = LEFT - 0.3 - (len(lanes) - 1 - lane) * 2.1 / max(1, len(lanes) - 1), LANES[lane % len(LANES)]
        share = 0.08 + 0.75 * lane / max(1, len(lanes) - 1)
        out = boxes[start].top + 0.93 * boxes[start].height
        ends = [boxes[end].top + share * boxes[end].height for end in later[start]]
        axes.plot([LEFT, x, x], [out, out, ends[-1]], color=colour, linewidth=1.1)
        for end in ends:
            axes.add_patch(FancyArrowPatch((x, end), (LEFT, end), color=colour, **ARROW))


def draw(*, selected: Path | str, table3: Path | str, table6: Path | str, pipeline: dict) -> Figure:
    """Draw the stages with their rules and what flows between them (paper Figure 1).

    Args:
        selected, table3, table6: scale/selected.json, tables/table3.csv, tables/table6.csv: what was found stands
            beside its stage.
        pipeline: from `workflow.stages`.
    """
    boxes = _boxes(pipeline["stages"], findings(selected, table3, table6))
    total = sum(box.height for box in boxes.values()) + GAP * (len(boxes) - 1)
    figure = new_figure(11.0, 0.3 + 0.86 * total)
    axes = figure.add_subplot()
    axes.set_xlim(0, 11.0)
    axes.set_ylim(total + 0.05, -0.05)
    axes.axis("off")
    for stage, box in boxes.items():
        _draw_box(axes, stage, box)
    _draw_flows(axes, boxes, pipeline["flows"])
    return figure
