"""Figures 2 to 4: the training subsets."""

from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas

from tatara.data.schema import read_schema
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREY,
    ORANGE,
    PLATE,
    VERMILION,
    new_figure,
    save,
    size_axis,
    size_colours,
    wrap,
)
from tatara.report.paper import read_paper

LIMIT = 0.03  # paper §4.4: the shares vary by less than 3 % between sizes


def _printed(paper: Sequence[str]) -> dict[str, float]:
    """Return the numbers of the paper's text by id, none where they are not shown."""
    if not paper:
        return {}
    rows = read_paper(paper[0])
    return dict(zip(rows["id"], rows["value"], strict=True))


def _shares(quality: pandas.DataFrame, metric: str, order: list[str]) -> pandas.DataFrame:
    """Return shares with keys as rows, in this order, and sizes as columns; a key that a size lacks has share 0."""
    rows = quality[quality["metric"] == metric]
    table = rows.pivot(index="key", columns="n", values="value").fillna(0.0)
    return table.reindex(
        [key for key in order if key in table.index] + [key for key in table.index if key not in order]
    )


def variation(values: numpy.ndarray) -> float:
    """Return the coefficient of variation (standard deviation of the population / mean); 0 where all values are 0."""
    return float(numpy.std(values) / numpy.mean(values)) if numpy.mean(values) else 0.0


def fig02_relation_distribution(
    *,
    quality: Path | str,
    schema: Path | str,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
    paper: Sequence[str] = (),
) -> None:
    """Draw the share of each relation type in each subset (paper Figure 2).

    Args:
        quality: subsets/quality.csv.
        schema: schema.yaml, for the display names.
        paper: resources/paper/text.csv, where the paper's values are shown: the share of HAS_CHAPTER that it prints.
    """
    names = {type_: relation.name for type_, relation in read_schema(schema).relations.items()}
    shares = 100 * _shares(pandas.read_csv(quality, keep_default_na=False), "relation_share", list(names))
    shares = shares.loc[shares[shares.columns.max()].sort_values(ascending=False, kind="stable").index]
    sizes, colours = list(shares.columns), size_colours(list(shares.columns))
    figure = new_figure(7.2, 1.1 + len(shares) * max(0.34, 0.075 * len(sizes)))
    axes = figure.add_subplot()
    thickness = 0.82 / len(sizes)
    for index, n in enumerate(sizes):
        places = numpy.arange(len(shares)) + (index - (len(sizes) - 1) / 2) * thickness
        axes.barh(places, shares[n], height=thickness, color=colours[n], label=f"n = {n:,}")
    printed = _printed(paper)
    if printed and "HAS_CHAPTER" in shares.index:
        row, share = list(shares.index).index("HAS_CHAPTER"), printed["share_subsets"]
        axes.plot([share, share], [row - 0.47, row + 0.47], color="white", linewidth=4.5)
        axes.plot([share, share], [row - 0.47, row + 0.47], color=VERMILION, linewidth=2.0, label=f"paper: {share:g} %")
    for place, largest, last in zip(range(len(shares)), shares.max(axis=1), shares[sizes[-1]], strict=True):
        axes.text(largest + 0.25, place, f"{last:.1f}", va="center", fontsize=8, color=DARK)
    axes.set_yticks(range(len(shares)), [f"{names.get(type_, '')}  {type_}".strip() for type_ in shares.index])
    axes.invert_yaxis()
    axes.set_xlim(0, shares.to_numpy().max() * 1.1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Share of the subset (%); the number is that of the largest subset")
    figure.legend(loc="outside upper center", ncols=min(6, len(sizes) + bool(printed)), handlelength=1.2)
    save(figure, png, svg, notice)


def fig03_answer_length(
    *, quality: Path | str, png: Path | str, svg: Path | str, notice: str = "", paper: Sequence[str] = ()
) -> None:
    """Draw mean and standard deviation of the answers' length, and the questions' mean length, by size (paper Figure
    3).

    Args:
        quality: subsets/quality.csv; lengths in characters.
        paper: resources/paper/text.csv, where the paper's values are shown: the range of its answers' mean lengths.
    """
    rows = pandas.read_csv(quality, keep_default_na=False)
    mean, spread, question = (
        rows[rows["metric"] == f"{name}"].set_index("n")["value"]
        for name in ("answer_chars_mean", "answer_chars_sd", "question_chars_mean")
    )
    figure = new_figure(6.4, 3.6)
    axes = figure.add_subplot()
    places = size_axis(axes, list(mean.index))
    x = [places[n] for n in mean.index]
    answers = axes.errorbar(x, mean, spread[mean.index], fmt="o-", color=BLUE, capsize=4, linewidth=1.4)
    (questions,) = axes.plot(x, question[mean.index], "s--", color=ORANGE, linewidth=1.2, markersize=5)
    for values, colour in ((mean, BLUE), (question[mean.index], "#9a6a00")):
        for place, value in zip(x, values, strict=True):
            axes.annotate(
                f"{value:.0f}", (place, value), (6, 5), textcoords="offset points", fontsize=8.5, color=colour
            )
    axes.set_ylim(0, float((mean + spread[mean.index]).max()) * 1.08)
    axes.set_ylabel("Characters")
    handles, labels = [answers, questions], ["answers: mean ± SD over the pairs", "questions: mean"]
    if printed := _printed(paper):
        low, high = printed["answer_low"], printed["answer_high"]
        handles.append(axes.axhspan(low, high, color=GREY, alpha=0.35, linewidth=0, zorder=0.5))
        labels.append(f"paper: answers, {low:g}–{high:g}")
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    save(figure, png, svg, notice)


def fig04_subset_quality(
    *, quality: Path | str, schema: Path | str, png: Path | str, svg: Path | str, notice: str = ""
) -> None:
    """Draw how little the subsets differ: coefficients of variation over the sizes, and the categories that each covers
    (paper Figure 4).
    """
    rows = pandas.read_csv(quality, keep_default_na=False)
    vocabulary = read_schema(schema)
    shares = _shares(rows, "relation_share", list(vocabulary.relations))
    shares = shares.loc[shares.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    wanted = list(dict.fromkeys(vocabulary.volume_category.values()))
    categories = _shares(rows, "category_share", wanted).reindex([*wanted]).fillna(0.0)
    lengths = {"answer length": "answer_chars_mean", "question length": "question_chars_mean"}
    labels = [
        vocabulary.relations[type_].name if type_ in vocabulary.relations else type_ for type_ in shares.index
    ] + list(lengths)
    values = [variation(line) for line in shares.to_numpy()] + [
        variation(rows[rows["metric"] == metric]["value"].to_numpy()) for metric in lengths.values()
    ]
    sizes = list(shares.columns)
    figure = new_figure(9.2, max(3.4, 0.9 + 0.27 * len(labels)))
    left, right = figure.subplots(1, 2, width_ratios=[1, max(0.95, 0.5 + 0.13 * len(sizes))])

    percent = 100 * numpy.array(values)
    colours = [BLUE] * len(shares) + [ORANGE] * len(lengths)
    left.barh(range(len(labels)), percent, color=colours, height=0.68)
    left.axvline(100 * LIMIT, color=GREY, linestyle="--", linewidth=1)
    reach = max(percent.max() * 1.18, 100 * LIMIT * 1.25)
    for place, value in enumerate(percent):
        left.annotate(
            f"{value:.1f}",
            (value, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=DARK,
            bbox=PLATE,
        )
    left.set_yticks(range(len(labels)), labels)
    left.set_xlim(0, reach)
    left.invert_yaxis()
    left.grid(axis="y", visible=False)
    left.set_xlabel(
        f"Coefficient of variation (%); dashed: {100 * LIMIT:.0f} %" if len(sizes) > 1 else "One size: nothing varies"
    )
    left.set_title("a  Variation between sizes")

    cells = 100 * categories.to_numpy()
    right.imshow(cells, cmap="Blues", aspect="auto", vmin=0, vmax=max(cells.max() * 1.35, 1.0))
    for (line, column), value in numpy.ndenumerate(cells):
        dark = value > 0.62 * max(cells.max() * 1.35, 1.0)
        right.text(
            column,
            line,
            f"{value:.1f}" if value else "none",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else DARK,
        )
    right.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes], rotation=0 if len(sizes) <= 6 else 45)
    right.set_yticks(range(len(categories)), [wrap(name, 16) for name in categories.index])
    fewest = int((cells > 0).sum(axis=0).min())
    right.set_xlabel(
        f"Training pairs n; every size covers {'all' if fewest == len(cells) else f'at least {fewest} of'} "
        f"{len(cells)} categories"
    )
    right.set_title("b  Share of each category (%)")
    right.grid(visible=False)
    right.spines[:].set_visible(False)
    right.tick_params(length=0)
    save(figure, png, svg, notice)
