"""Figures 9 to 11: scores by category, the five sides of each model, and every question's score. Drawn from judge files
and tables.
"""

import textwrap
from pathlib import Path

import numpy
import pandas
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from tatara.data.schema import read_schema
from tatara.files.formats import FORMATS
from tatara.measure.results import LARGEST_SD, by_model_and_format, full_precision, read_judge
from tatara.measure.stats import Interval, bootstrap, bootstrap_mean
from tatara.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    new_figure,
    save,
    wrap,
)
from tatara.report.table_text import interval, read_table

MARKS = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "D"), (PURPLE, "^"), (ORANGE, "v"), (SKY, "P"))
LEVELS = {0: (VERMILION, "white"), 1: (YELLOW, DARK), 2: (SKY, DARK), 3: (BLUE, "white")}
INVALID = "#d5d8dc"


def _read(judge: list[str], names: dict[str, str]) -> dict[tuple[str, str], pandas.DataFrame]:
    return {key: read_judge(path) for key, path in by_model_and_format(judge, names).items()}


def _label(names: dict[str, str], model: str, fmt: str, width: int = 22) -> str:
    return f"{wrap(names[model], width)}  {FORMATS[fmt].label}"


def fig09_category_scores(
    *,
    judge: list[str],
    schema: Path | str,
    names: dict[str, str],
    png: Path | str,
    svg: Path | str,
    seed: int,
    level: float,
    resamples: int,
    notice: str = "",
) -> None:
    """Draw the mean score of each model and format in each category, with intervals over its questions (paper Figure
    9).

    Args:
        judge: judge files of all models and formats.
        schema: schema.yaml; its categories give the order of the columns.
        names: model -> display name, in order.
    """
    files = _read(judge, names)
    first = next(iter(files.values()))
    categories = [name for name in read_schema(schema).categories if (first["category"] == name).any()]
    counts = [int((first["category"] == name).sum()) for name in categories]
    labels = [_label(names, *key) for key in files]
    lines = max(label.count("\n") + 1 for label in labels)
    figure = new_figure(max(7.4, 2.6 + 0.95 * len(categories)), 1.6 + len(files) * (0.36 + 0.12 * lines))
    axes = figure.add_subplot()
    means = numpy.full((len(files), len(categories)), numpy.nan)
    for i, rows in enumerate(files.values()):
        for j, category in enumerate(categories):
            scores = rows.loc[rows["category"] == category, "score"].dropna()
            if scores.empty:
                axes.text(j, i, "invalid", ha="center", va="center", fontsize=8, color=DARK)
                continue
            found = bootstrap_mean(scores, seed, resamples, level)
            means[i, j] = found.value
            ink = "white" if found.value > 1.7 else DARK
            axes.text(j, i - 0.12, f"{found.value:.2f}", ha="center", va="center", fontsize=9.5, color=ink)
            if not numpy.isnan(found.low):
                axes.text(
                    j, i + 0.24, f"{found.low:.1f}–{found.high:.1f}", ha="center", va="center", fontsize=7.5, color=ink
                )
    image = axes.imshow(means, vmin=0, vmax=3, cmap="cividis_r", aspect="auto")
    axes.set_xticks(
        range(len(categories)),
        [f"{wrap(name, 10)}\nn = {count}" for name, count in zip(categories, counts, strict=True)],
        fontsize=8.5,
    )
    axes.set_yticks(range(len(files)), labels)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 1, 2, 3], pad=0.01, fraction=0.03)
    bar.set_label("mean score")
    bar.outline.set_visible(False)
    axes.set_title(f"Mean score by category; below it the {100 * level:g} % interval over that category's n questions")
    save(figure, png, svg, notice)


def profile(
    table: pandas.DataFrame, scores: dict[str, pandas.Series], seed: int, level: float, resamples: int
) -> dict[str, dict[str, Interval]]:
    """Return side -> model -> value from 0 (worst) to 1 (best) with its interval: the definitions stand in figure 10's
    caption.

    Args:
        table: table 3.
        scores: model -> valid scores.
    """
    rows = {row["model"]: row for row in table.to_dict("records")}

    def scaled(key: str, factor: float) -> dict[str, Interval]:
        return {
            model: Interval(*(factor * row[f"{key}{end}"] for end in ("", "_low", "_high")))
            for model, row in rows.items()
        }

    def inverse(key: str) -> dict[str, Interval]:
        # An empty answer or a time of zero would have no inverse: the smallest positive value among the models is the
        # best there can be.
        best = min((row[key] for row in rows.values() if row[key] > 0), default=numpy.nan)
        found = {}
        for model, row in rows.items():
            ends = [
                min(1.0, best / row[f"{key}{end}"]) if row[f"{key}{end}"] > 0 else 1.0 for end in ("", "_high", "_low")
            ]
            found[model] = Interval(*ends)
        return found

    def stability(model: str) -> Interval:
        if scores[model].empty:
            return Interval(numpy.nan, numpy.nan, numpy.nan)
        return bootstrap(
            scores[model].to_list(), lambda x, axis=-1: 1 - x.std(axis=axis) / LARGEST_SD, seed, resamples, level
        )

    return {
        "Score": scaled("score", 1 / 3),
        "Perfect rate": scaled("perfect", 1.0),
        "Conciseness": inverse("characters"),
        "Speed": inverse("seconds"),
        "Stability": {model: stability(model) for model in rows},
    }


def fig10_model_profile(
    *,
    judge: list[str],
    table3: Path | str,
    names: dict[str, str],
    png: Path | str,
    svg: Path | str,
    seed: int,
    level: float,
    resamples: int,
    notice: str = "",
) -> None:
    """Draw five sides of each model at full precision on scales from 0 to 1 (paper Figure 10, there a radar chart).

    Dots on parallel scales instead of a radar: its area depends on the order of the axes, and it has no room for
        intervals.

    Args:
        judge: judge files of all models and formats.
        table3: tables/table3.csv.
    """
    table, files = read_table(table3), _read(judge, names)
    chosen = full_precision(files)
    sides = profile(
        table, {model: files[model, fmt]["score"].dropna() for model, fmt in chosen.items()}, seed, level, resamples
    )
    figure = new_figure(9.2, 1.5 + len(sides) * (0.3 + 0.17 * len(chosen)))
    axes = figure.add_subplot()
    for i, found in enumerate(sides.values()):
        if i:
            axes.axhline(i - 0.5, color="#e3e6ea", linewidth=0.9)
        for j, (model, side) in enumerate(found.items()):
            colour, mark = MARKS[j % len(MARKS)]
            y = i + (j - (len(found) - 1) / 2) * 0.72 / max(1, len(found))
            errors = [[side.value - side.low], [side.high - side.value]]
            axes.errorbar(
                side.value,
                y,
                xerr=errors,
                fmt=mark,
                color=colour,
                markersize=6,
                ecolor=DARK,
                elinewidth=1.0,
                capsize=3,
                label=f"{names[model]} ({FORMATS[chosen[model]].label})" if i == 0 else None,
            )
    axes.set_yticks(range(len(sides)), sides)
    axes.set_ylim(len(sides) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel(f"0 worst, 1 best; bars: {100 * level:g} % intervals over questions")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper center", ncols=2 if len(chosen) > 3 else len(chosen))
    save(figure, png, svg, notice)


def fig11_question_scores(
    *,
    judge: list[str],
    schema: Path | str,
    names: dict[str, str],
    png: Path | str,
    svg: Path | str,
    seed: int,
    level: float,
    resamples: int,
    notice: str = "",
) -> None:
    """Draw the score of every question, by model and format, the questions grouped by category (paper Figure 11).

    Args:
        judge: judge files of all models and formats.
        schema: schema.yaml; its categories give the order.
    """
    files = _read(judge, names)
    order = {name: place for place, name in enumerate(read_schema(schema).categories)}
    first = next(iter(files.values()))
    ids = first.assign(place=first["category"].map(order)).sort_values(["place", "id"], kind="stable")[
        ["id", "category"]
    ]
    grid = numpy.array([rows.set_index("id")["score"].reindex(ids["id"]).to_numpy() for rows in files.values()])
    shown = numpy.floor(numpy.where(numpy.isnan(grid), -1.0, grid) + 0.5)
    labels = [_label(names, *key) for key in files]
    figure = new_figure(11.0, 1.9 + len(files) * (0.3 + 0.1 * max(label.count("\n") for label in labels)))
    axes = figure.add_subplot()
    colours = ListedColormap([INVALID, *(LEVELS[score][0] for score in range(4))])
    axes.pcolormesh(
        numpy.arange(len(ids) + 1),
        numpy.arange(len(files) + 1),
        shown,
        cmap=colours,
        norm=BoundaryNorm(numpy.arange(-1.5, 4), 5),
        edgecolors="white",
        linewidth=0.4,
    )
    start = 0
    for category, count in ids.groupby("category", sort=False).size().items():
        axes.axvline(start, color=DARK, linewidth=1.0)
        # A narrow group has room for few letters: they stand on several lines above it.
        letters = max(2, int(count / len(ids) * 62))
        axes.text(
            start + count / 2, -0.15, "\n".join(textwrap.wrap(category, letters)), ha="center", va="bottom", fontsize=8
        )
        start += count
    for i, rows in enumerate(files.values()):
        scores = rows["score"].dropna()
        text = "invalid"
        if len(scores):
            found = bootstrap_mean(scores, seed, resamples, level)
            text = interval(found.value, found.low, found.high)
        axes.text(len(ids) * 1.008, i + 0.5, text, va="center", fontsize=8.5, color=DARK)
    axes.set_yticks(numpy.arange(len(files)) + 0.5, labels)
    axes.set_xlim(0, len(ids))
    axes.set_ylim(len(files), 0)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.set_xlabel(
        f"{len(ids)} questions, by category; on the right the mean score and its {100 * level:g} % interval"
    )
    patches = [Patch(color=LEVELS[score][0], label=f"score {score}") for score in (3, 2, 1, 0)]
    if (shown == -1).any():
        patches.append(Patch(color=INVALID, label="invalid"))
    figure.legend(handles=patches, loc="outside upper center", ncols=5, handlelength=1.2)
    for side in axes.spines.values():
        side.set(visible=True, color=GREY, linewidth=0.6)
    save(figure, png, svg, notice)
