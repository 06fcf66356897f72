"""Figure 4: how little the training subsets differ, and which categories each covers."""

from pathlib import Path

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tatara.data.schema import Schema, read_schema
from tatara.report.figures.style import BLUE, DARK, GREY, ORANGE, PLATE, annotate, new_figure, wrap
from tatara.report.figures.subsets import shares_by_size

LIMIT = 0.03  # paper §4.4: the shares vary by less than 3 % between sizes
LENGTHS = {"answer length": "answer_chars_mean", "question length": "question_chars_mean"}


def variation(values: numpy.ndarray) -> float:
    """Return the coefficient of variation (standard deviation of the population / mean); 0 where all values are 0."""
    return float(numpy.std(values) / numpy.mean(values)) if numpy.mean(values) else 0.0


def _variations(rows: pandas.DataFrame, vocabulary: Schema) -> tuple[list[str], list[float]]:
    """Return labels and coefficients of variation: relation types by their mean share, then the lengths."""
    shares = shares_by_size(rows, "relation_share", list(vocabulary.relations))
    shares = shares.loc[shares.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    names = {type_: relation.name for type_, relation in vocabulary.relations.items()}
    labels = [names.get(type_, type_) for type_ in shares.index]
    lengths = [rows[rows["metric"] == metric]["value"].to_numpy() for metric in LENGTHS.values()]
    return labels + list(LENGTHS), [variation(line) for line in [*shares.to_numpy(), *lengths]]


def _draw_variations(axes: Axes, labels: list[str], values: list[float], sizes: list[int]) -> None:
    percent = 100 * numpy.array(values)
    colours = [BLUE] * (len(labels) - len(LENGTHS)) + [ORANGE] * len(LENGTHS)
    axes.barh(range(len(labels)), percent, color=colours, height=0.68)
    axes.axvline(100 * LIMIT, color=GREY, linestyle="--", linewidth=1)
    for place, value in enumerate(percent):
        annotate(axes, f"{value:.1f}", (value, place), (3, 0), 8, va="center", bbox=PLATE)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlim(0, max(percent.max() * 1.18, 100 * LIMIT * 1.25))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        f"Coefficient of variation (%); dashed: {100 * LIMIT:.0f} %" if len(sizes) > 1 else "One size: nothing varies"
    )
    axes.set_title("a  Variation between sizes")


def _draw_categories(axes: Axes, categories: pandas.DataFrame, sizes: list[int]) -> None:
    cells = 100 * categories.to_numpy()
    top = max(cells.max() * 1.35, 1.0)
    axes.imshow(cells, cmap="Blues", aspect="auto", vmin=0, vmax=top)
    for (line, column), value in numpy.ndenumerate(cells):
        text, ink = f"{value:.1f}" if value else "none", "white" if value > 0.62 * top else DARK
        axes.text(column, line, text, ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes], rotation=0 if len(sizes) <= 6 else 45)
    axes.set_yticks(range(len(categories)), [wrap(name, 16) for name in categories.index])
    fewest = int((cells > 0).sum(axis=0).min())
    covered = "all" if fewest == len(cells) else f"at least {fewest} of"
    axes.set_xlabel(f"Training pairs n; every size covers {covered} {len(cells)} categories")
    axes.set_title("b  Share of each category (%)")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def draw(*, quality: Path | str, schema: Path | str) -> Figure:
    """Draw coefficients of variation over the sizes, and the categories that each size covers (paper Figure 4).

    Args:
        quality: subsets/quality.csv.
        schema: schema.yaml, for the display names and the categories.
    """
    rows = pandas.read_csv(quality, keep_default_na=False)
    vocabulary = read_schema(schema)
    labels, values = _variations(rows, vocabulary)
    shares = shares_by_size(rows, "category_share", list(dict.fromkeys(vocabulary.volume_category.values())))
    # Without a graph no category is wanted beforehand: those that there are stand here.
    wanted = list(dict.fromkeys(vocabulary.volume_category.values())) or list(shares.index)
    categories = shares.reindex(wanted).fillna(0.0)
    sizes = list(shares_by_size(rows, "relation_share", []).columns)
    figure = new_figure(9.2, max(3.4, 0.9 + 0.27 * len(labels)))
    left, right = figure.subplots(1, 2, width_ratios=[1, max(0.95, 0.5 + 0.13 * len(sizes))])
    _draw_variations(left, labels, values, sizes)
    _draw_categories(right, categories, sizes)
    return figure
