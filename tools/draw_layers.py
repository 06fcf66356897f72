"""Draw the package's layers from its real imports: docs/layers.svg.

Each sub-package is a box, with what it is for and its modules. From each box a lane leads down to what it imports.

Usage: python tools/draw_layers.py [docs/layers.svg]
"""

import argparse
import ast
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import tatara_path
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from tatara.report.figures.style import BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_figure

# Bottom to top, as tests/test_house.py holds it.
ORDER = ("job", "files", "llm", "data", "draft", "llama", "models", "train", "evaluate", "measure", "report")
LANE_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#5b6570", "#8c6d1f", "#35618f")
WIDTH, GAP, LANE = 7.4, 0.2, 0.3  # inches: of a box, between two boxes, between two lanes


@dataclass(frozen=True)
class Layer:
    """A sub-package: what it is for, its modules, and the sub-packages that it imports."""

    name: str
    summary: str
    modules: list[str]
    imports: set[str]


def imported(tree: ast.AST) -> set[str]:
    """Return the sub-packages of `tatara` that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [node.module] if "." in node.module else [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            whole = [alias.name for alias in node.names]
        else:
            continue
        names |= {name.split(".")[1] for name in whole if name.startswith("tatara.")}
    return names


def read_layers(package: Path) -> list[Layer]:
    """Return the sub-packages from bottom to top.

    Raises:
        SystemExit: a sub-package that ORDER does not have, or one that imports what stands above it.
    """
    layers = {}
    for start in sorted(package.glob("*/__init__.py")):
        files = sorted(start.parent.rglob("*.py"))
        trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
        names = [file.relative_to(start.parent).with_suffix("").as_posix() for file in files]
        summary = ast.get_docstring(ast.parse(start.read_text(encoding="utf-8"))).splitlines()[0]
        imports = set().union(*map(imported, trees)) - {start.parent.name}
        modules = [name for name in names if not name.endswith("__init__")]
        layers[start.parent.name] = Layer(start.parent.name, summary, modules, imports)
    if unknown := sorted(layers.keys() ^ set(ORDER)):
        sys.exit(f"ORDER in {Path(__file__).name} and {package} differ in {', '.join(unknown)}")
    for place, name in enumerate(ORDER):
        if above := sorted(layers[name].imports & set(ORDER[place:])):
            sys.exit(f"{name} imports {', '.join(above)}, above it")
    return [layers[name] for name in ORDER]


def _lines(layer: Layer) -> list[str]:
    """Return the modules of a layer in lines; those of a folder stand behind its name."""
    own = [name for name in layer.modules if "/" not in name]
    folders: dict[str, list[str]] = {}
    for folder, _, name in (name.partition("/") for name in layer.modules if "/" in name):
        folders.setdefault(folder, []).append(name)
    words = own + [f"{folder}/ ({', '.join(names)})" for folder, names in folders.items()]
    return textwrap.wrap(", ".join(words), 128, break_on_hyphens=False)


def _summary(layer: Layer) -> list[str]:
    return textwrap.wrap(layer.summary, 92)


def _height(layer: Layer, importers: int) -> float:
    """Return the height of a box in inches: its texts have room, and so have the arrows that end at it."""
    texts = 0.34 + 0.17 * (len(_summary(layer)) - 1) + 0.135 * len(_lines(layer)) + 0.12
    return max(texts, 0.09 * importers + 0.2)


def _draw_box(axes: Axes, layer: Layer, top: float, height: float, colour: str) -> None:
    style = {"boxstyle": "round,pad=0,rounding_size=0.06", "facecolor": "white", "linewidth": 1.4}
    axes.add_patch(FancyBboxPatch((0, top), WIDTH, height, edgecolor=colour, **style))
    axes.text(0.12, top + 0.17, layer.name, fontsize=12, color=DARK, va="center")
    for number, line in enumerate(_summary(layer)):
        axes.text(1.15, top + 0.17 * (number + 1), line, fontsize=8.5, color=DARK, va="center")
    below = top + 0.31 + 0.17 * number
    style = {"fontsize": 7, "color": "#5b6570", "va": "top", "linespacing": 1.3}
    axes.text(0.12, below, "\n".join(_lines(layer)), **style)


def _draw_lane(axes: Axes, x: float, y: float, ends: list[float], colour: str) -> None:
    """Draw a line from a box to the lane, down the lane, and an arrow to each box that is imported."""
    axes.plot([WIDTH, x, x], [y, y, max(ends)], color=colour, linewidth=1.3, solid_joinstyle="round")
    for end in ends:
        style = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
        axes.add_patch(FancyArrowPatch((x, end), (WIDTH, end), color=colour, **style))


def draw(layers: list[Layer], svg: Path) -> None:
    """Draw the layers, the first at the bottom."""
    downwards = layers[::-1]
    importers = [layer for layer in downwards if layer.imports]
    colours = {layer.name: LANE_COLOURS[i % len(LANE_COLOURS)] for i, layer in enumerate(importers)}
    boxes, top = {}, 0.0
    for layer in downwards:
        height = _height(layer, sum(layer.name in other.imports for other in layers))
        boxes[layer.name] = (top, height)
        top += height + GAP
    figure = new_figure(WIDTH + LANE * (len(importers) + 1) + 0.4, top + 0.1)
    axes = figure.add_subplot()
    axes.set_xlim(-0.1, WIDTH + LANE * (len(importers) + 1))
    axes.set_ylim(top, -0.1)
    axes.axis("off")
    for layer in downwards:
        _draw_box(axes, layer, *boxes[layer.name], colours.get(layer.name, DARK))
    for place, layer in enumerate(importers):
        # The topmost layer's lane is the furthest out. In the box it ends at a height of its own.
        x, share = WIDTH + LANE * (len(importers) - place), (place + 0.5) / len(importers)
        begin, height = boxes[layer.name]
        ends = [boxes[name][0] + (0.1 + 0.7 * share) * boxes[name][1] for name in layer.imports]
        _draw_lane(axes, x, begin + 0.92 * height, ends, colours[layer.name])
    figure.savefig(svg, metadata={"Date": None, "Creator": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("svg", nargs="?", type=Path, default=tatara_path.REPOSITORY / "docs" / "layers.svg")
    arguments = parser.parse_args()
    draw(read_layers(tatara_path.REPOSITORY / "scripts" / "tatara"), arguments.svg)
    print(f"wrote {arguments.svg}")


if __name__ == "__main__":
    main()
