"""The style of every figure: colours that colour-blind readers tell apart, Japanese glyphs, equal bytes each time."""

import itertools
import re
from pathlib import Path

import matplotlib
import matplotlib_fontja
import numpy
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

font_manager.fontManager.addfont(matplotlib_fontja.get_font_ttf_path())
matplotlib.rcParams.update(
    {
        # Latin letters from the first, what it lacks from the second, glyph by glyph.
        "font.family": ["DejaVu Sans", "IPAexGothic"],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e3e6ea",
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "figure.dpi": 100,
        "savefig.dpi": 160,
        "svg.hashsalt": "tatara",
        "svg.fonttype": "path",  # text as outlines: the figure looks the same where the font is not installed
    }
)

# Okabe and Ito, https://jfly.uni-koeln.de/color/
BLUE, SKY, GREEN, YELLOW, ORANGE, VERMILION, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
GREY, DARK = "#8a929b", "#2b3138"
SELECTED = "#fdf0d5"
# Behind a number that stands on grid lines.
PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85}
# Score -> colour and the colour of the number on it.
SCORES = {3: (BLUE, "white"), 2: (SKY, DARK), 1: (YELLOW, DARK), 0: (VERMILION, "white")}
INVALID = "#d5d8dc"
# How the paper's own values are drawn.
PAPER_MARK = {"color": GREY, "marker": "D", "markerfacecolor": "white", "markersize": 5}


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that keeps its parts apart by itself; no global state is touched."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06)
    FigureCanvasAgg(figure)
    return figure


def _settle(figure: Figure) -> None:
    """Lay a figure out once and for all: two solutions for the same parts can differ in their last digits."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(value, 6) for value in axes.get_position(original=True).bounds])


def save(figure: Figure, png: Path | str, svg: Path | str, notice: str = "") -> None:
    """Write a figure as PNG and SVG without date or version, so that the same figure gives the same bytes.

    Args:
        notice: a sentence at the foot of the figure, such as that stand-in models were used; empty for none.
    """
    if notice:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + 0.28)
        figure.get_layout_engine().set(rect=(0, 0.28 / (height + 0.28), 1, height / (height + 0.28)))
        text = figure.text(
            0.5,
            0.08 / (height + 0.28),
            notice,
            ha="center",
            va="bottom",
            fontsize=7.5,
            color="#8a3b00",
            in_layout=False,
        )
        # One line that fits: the letters get smaller before the sentence is cut.
        wide = text.get_window_extent(figure.canvas.get_renderer()).width / (0.95 * figure.bbox.width)
        text.set_fontsize(7.5 / max(wide, 1.0))
    _settle(figure)
    for path, metadata in ((Path(png), {"Software": None}), (Path(svg), {"Date": None, "Creator": None})):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format=path.suffix[1:], metadata=metadata)


def error_bars(value, low, high) -> numpy.ndarray:
    """Return the lengths of error bars below and above; 0 on the side where an interval does not reach its value.

    A percentile interval can miss its estimate, by the last bits where nearly all draws are the same.
    """
    value, low, high = (numpy.asarray(ends, dtype=float) for ends in (value, low, high))
    return numpy.maximum([value - low, high - value], 0.0)


def annotate(axes: Axes, text: str, point: tuple, offset: tuple[float, float], fontsize: float, **options) -> None:
    """Write a text beside a point; the offset is in points (1/72 inch)."""
    options = {"color": DARK, **options}
    axes.annotate(text, point, offset, textcoords="offset points", fontsize=fontsize, **options)


def size_axis(axes: Axes, sizes: list[int]) -> dict[int, float]:
    """Label the x axis with the training sizes, to scale where they have room, and return where each stands."""
    sizes = sorted(sizes)
    gaps = [after - before for before, after in itertools.pairwise(sizes)]
    to_scale = not gaps or min(gaps) >= 0.11 * (sizes[-1] - sizes[0])
    places = {n: float(n) if to_scale else float(index) for index, n in enumerate(sizes)}
    axes.set_xticks(list(places.values()), [f"{n:,}" for n in sizes])
    margin = 0.5 * min(gaps) if gaps and to_scale else 0.5 if gaps else max(1.0, 0.5 * sizes[0])
    axes.set_xlim(min(places.values()) - margin, max(places.values()) + margin)
    axes.set_xlabel("Training pairs n" if to_scale else "Training pairs n (evenly spaced)")
    axes.grid(axis="x", visible=False)
    return places


def size_colours(sizes: list[int]) -> dict[int, tuple]:
    """Return a colour for each size, from dark to light in one perceptually even scale that stays legible on white."""
    scale = matplotlib.colormaps["viridis"]
    ordered = sorted(set(sizes))
    return {n: scale(0.05 + 0.8 * index / max(1, len(ordered) - 1)) for index, n in enumerate(ordered)}


def wrap(label: str, width: int = 18) -> str:
    """Return a label in lines of about `width` Latin letters; Japanese ones count two; - / _ end a line too."""
    lines, used = [""], 0
    for part in re.findall(r"[\u2e80-\uffff]|\s+|[^\s/_\u2e80-\uffff-]*[/_-]+|[^\s/_\u2e80-\uffff-]+", label):
        cells = sum(2 if letter >= "\u2e80" else 1 for letter in part)
        if lines[-1].strip() and used + cells > width:
            lines, used = [*lines, ""], 0
        lines[-1], used = lines[-1] + part, used + cells
    return "\n".join(line.strip() for line in lines)
