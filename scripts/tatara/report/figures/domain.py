"""The domain's own figures: pairs before and after undersampling, lengths, categories, overlap with the test set, and
the graph.
"""

from collections import Counter
from pathlib import Path

import numpy
import pandas
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

from tatara.data.graph import Graph, Node, Relation, load_graph
from tatara.data.schema import Schema, read_schema
from tatara.files.jsonl import read_jsonl
from tatara.measure.results import read_json
from tatara.report.figures.style import BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW, new_figure, save

EDGE_COLOURS = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#8c6d1f", DARK]
NODE_COLOURS = [VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY, YELLOW, DARK]
ROW = 0.165  # inches between two lines of the table of contents
APART = 0.25  # inches between two nodes of a column, at least


def data01_relation_types(
    *, pairs: Path | str, pool: Path | str, schema: Path | str, png: Path | str, svg: Path | str, notice: str = ""
) -> None:
    """Draw how many pairs each relation type has before and after undersampling.

    Args:
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        schema: schema.yaml, for the display names.
    """
    names = {type_: relation.name for type_, relation in read_schema(schema).relations.items()}
    before, after = (Counter(row["relation_type"] for row in read_jsonl(path)) for path in (pairs, pool))
    types = [type_ for type_, _ in sorted(before.items(), key=lambda item: (-item[1], item[0]))]
    figure = new_figure(7.6, 1.0 + 0.42 * len(types))
    axes = figure.add_subplot()
    places = numpy.arange(len(types))
    axes.barh(
        places - 0.19,
        [before[type_] for type_ in types],
        height=0.36,
        color=SKY,
        label=f"before: {before.total():,} pairs",
    )
    axes.barh(
        places + 0.19,
        [after[type_] for type_ in types],
        height=0.36,
        color=BLUE,
        label=f"after: {after.total():,} pairs",
    )
    for place, type_ in zip(places, types, strict=True):
        shares = f"{100 * before[type_] / before.total():.1f} % → {100 * after[type_] / after.total():.1f} %"
        axes.text(
            before[type_],
            place,
            f"  {before[type_]:,} → {after[type_]:,}   ({shares})",
            va="center",
            fontsize=8,
            color=DARK,
        )
    axes.set_yticks(places, [f"{names.get(type_, '')}  {type_}".strip() for type_ in types])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.55 * max(before.values()))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Pairs (share of all pairs)")
    figure.legend(loc="outside upper center", ncols=2)
    save(figure, png, svg, notice)


def data02_lengths(*, pool: Path | str, png: Path | str, svg: Path | str, notice: str = "") -> None:
    """Draw the length of questions and answers of the pool, by template generation."""
    rows = pandas.DataFrame(
        [
            {"version": row["version"], "question": len(row["question"]), "answer": len(row["answer"])}
            for row in read_jsonl(pool)
        ]
    )
    figure = new_figure(9.2, 3.4)
    colours = dict(zip(sorted(rows["version"].unique()), (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION), strict=False))
    for axes, column, title in zip(
        figure.subplots(1, 2), ("answer", "question"), ("a  Answers", "b  Questions"), strict=True
    ):
        bins = numpy.histogram_bin_edges(rows[column], bins=min(40, max(5, rows[column].nunique())))
        values = [rows.loc[rows["version"] == version, column] for version in colours]
        axes.hist(
            values,
            bins=bins,
            stacked=True,
            color=list(colours.values()),
            label=[f"{v} ({len(x):,})" for v, x in zip(colours, values, strict=True)],
        )
        axes.axvline(rows[column].mean(), color=DARK, linestyle="--", linewidth=1)
        axes.set_title(f"{title}: mean {rows[column].mean():.1f} (dashed)")
        axes.set_xlabel("Characters")
        axes.set_ylabel("Pairs")
        axes.grid(axis="x", visible=False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=len(labels),
        title="Template generation (pairs)",
        title_fontsize=8.5,
    )
    save(figure, png, svg, notice)


def data03_categories(
    *,
    pool: Path | str,
    testset: Path | str,
    schema: Path | str,
    label: str,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
) -> None:
    """Draw the categories of the training pool beside those of the test questions.

    Args:
        testset: testset/test_set_200.jsonl.
        label: the label of the questions that are evaluated, `all` for every one.
    """
    vocabulary = read_schema(schema)
    trained = Counter(row["category"] for row in read_jsonl(pool))
    asked = Counter(row["category"] for row in read_jsonl(testset) if label in ("all", row["label"]))
    categories = list(vocabulary.categories)
    figure = new_figure(7.6, 1.0 + 0.42 * len(categories))
    axes = figure.add_subplot()
    places = numpy.arange(len(categories))
    for counts, shift, colour, name in (
        (trained, -0.19, BLUE, "training pool"),
        (asked, 0.19, ORANGE, f"test questions ({label})"),
    ):
        total = max(1, counts.total())
        shares = [100 * counts[category] / total for category in categories]
        axes.barh(places + shift, shares, height=0.36, color=colour, label=f"{name}: {counts.total():,}")
        for place, share, category in zip(places, shares, categories, strict=True):
            text = f"{counts[category]:,} ({share:.1f} %)" if counts[category] else "none"
            axes.annotate(
                text, (share, place + shift), (3, 0), textcoords="offset points", va="center", fontsize=7.5, color=DARK
            )
    axes.set_yticks(places, categories)
    axes.invert_yaxis()
    axes.margins(x=0.16)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Share (%)")
    figure.legend(loc="outside upper center", ncols=2)
    save(figure, png, svg, notice)


def data04_overlap(*, overlap: Path | str, png: Path | str, svg: Path | str, notice: str = "") -> None:
    """Draw how much of each test question its nearest training question holds, beside the threshold at which the build
    stops.
    """
    content = read_json(overlap)
    values = [row["containment"] for row in content["questions"]]
    figure = new_figure(6.4, 3.2)
    axes = figure.add_subplot()
    axes.hist(values, bins=numpy.arange(0, 1.0001, 0.025), color=BLUE)
    axes.axvline(content["threshold"], color=VERMILION, linestyle="--", linewidth=1.3)
    axes.annotate(
        f"the build stops\nabove {content['threshold']:g}",
        (content["threshold"], 0.97),
        (-6, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8.5,
        color="#a04000",
    )
    axes.set_xlim(0, 1)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("Share of a test question's character bigrams that its nearest training question holds")
    axes.set_ylabel(f"Test questions ({len(values)})")
    axes.set_title(f"mean {numpy.mean(values):.3f}, largest {max(values):.3f}")
    axes.grid(axis="x", visible=False)
    save(figure, png, svg, notice)


def _rows(graph: Graph) -> list[tuple[Node, int]]:
    """Return the nodes of the table of contents from top to bottom, each with its level."""
    structural = [identity for identity, node in graph.nodes.items() if node.label in graph.schema.levels]

    def place(identity: str) -> list[tuple[int, str]]:
        way = graph.chain(identity)
        return [(graph.toc.order.get(graph.citation(node.id), len(graph.toc.order)), node.id) for node in way]

    return [(graph.nodes[identity], len(graph.chain(identity)) - 1) for identity in sorted(structural, key=place)]


def _apart(wanted: dict[str, float], low: float, high: float) -> dict[str, float]:
    """Return heights near the wanted ones, in the same order, at least APART from each other and as far inside low …
    high as there is room.
    """
    ordered = sorted(wanted, key=lambda identity: (wanted[identity], identity))
    heights: dict[str, float] = {}
    top = low
    for identity in ordered:
        heights[identity] = top = max(wanted[identity], top)
        top += APART
    limit = max(high, low + APART * (len(ordered) - 1))
    for identity in reversed(ordered):
        heights[identity] = limit = min(heights[identity], limit)
        limit -= APART
    return heights


def _domain_relations(graph: Graph) -> list[Relation]:
    return [relation for relation in graph.relations if not graph.schema.relations[relation.type].structural]


def _heights(graph: Graph, rows: list[tuple[Node, int]]) -> tuple[dict[str, float], list[str], list[str]]:
    """Return the height of every node in inches from the top, and the nodes of the two columns beside the table of
    contents.
    """
    heights = {node.id: ROW * index for index, (node, _) in enumerate(rows)}
    bottom = ROW * max(1, len(rows) - 1)
    linked: dict[str, list[str]] = {}
    for relation in _domain_relations(graph):
        linked.setdefault(relation.start, []).append(relation.end)
        linked.setdefault(relation.end, []).append(relation.start)
    others = sorted(graph.nodes.keys() - heights.keys())
    near = [identity for identity in others if any(other in heights for other in linked.get(identity, []))]
    far = [identity for identity in others if identity not in near]
    for column in (near, far):
        wanted = {}
        for identity in column:
            known = [heights[other] for other in linked.get(identity, []) if other in heights]
            wanted[identity] = float(numpy.mean(known)) if known else bottom / 2
        heights |= _apart(wanted, 0.0, bottom)
    return heights, near, far


def _colours(keys: list[str], palette: list[str]) -> dict[str, str]:
    return {key: palette[index % len(palette)] for index, key in enumerate(keys)}


def _legend(figure, schema: Schema, used: Counter, edges: dict[str, str], dots: dict[str, str]) -> None:
    lines = [
        Line2D([], [], color=colour, linewidth=1.8, label=f"{schema.relations[key].name} {key} ({used[key]})")
        for key, colour in edges.items()
    ]
    points = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=schema.labels[key]) for key, colour in dots.items()
    ]
    figure.legend(handles=points + lines, loc="outside upper left", ncols=4, fontsize=8)


def data05_graph(
    *,
    nodes: Path | str,
    relations: Path | str,
    schema: Path | str,
    toc: Path | str,
    png: Path | str,
    svg: Path | str,
    notice: str = "",
) -> None:
    """Draw the whole graph: the table of contents as an indented list, the other nodes in one or two columns beside it,
    each near what it links to.

    Args:
        nodes, relations: graph/nodes.csv, graph/relations.csv.
        schema, toc: schema.yaml, toc.csv.
    """
    vocabulary = read_schema(schema)
    graph = load_graph([nodes], [relations], vocabulary, toc)
    rows = _rows(graph)
    heights, near, far = _heights(graph, rows)
    drawn = _domain_relations(graph)
    used = Counter(relation.type for relation in drawn)
    edges = _colours([type_ for type_ in vocabulary.relations if type_ in used], EDGE_COLOURS)
    dots = _colours(
        [label for label in vocabulary.labels if any(graph.nodes[identity].label == label for identity in near + far)],
        NODE_COLOURS,
    )

    # Places in inches from the left: where a node's lines begin (its dot) and end (behind its text).
    width = {"contents": 5.3, "gap": 1.9, "column": 2.1}
    contents_end = width["contents"]
    left = dict.fromkeys(near, contents_end + width["gap"]) | dict.fromkeys(
        far, contents_end + 2 * width["gap"] + width["column"]
    )
    arcs = any(relation.start in far and relation.end in far for relation in drawn)
    total = (
        contents_end
        + width["gap"]
        + width["column"]
        + width["gap"]
        + (width["column"] if far else 0)
        + (1.0 if arcs else 0)
    )
    depth = max(heights.values(), default=0.0)
    figure = new_figure(total + 0.3, depth + 1.5)
    axes = figure.add_subplot()
    axes.set_xlim(-0.1, total + 0.1)
    axes.set_ylim(depth + ROW, -ROW)
    axes.axis("off")

    structural = {node.id: level for node, level in rows}
    for relation in drawn:
        start, end = sorted((relation.start, relation.end), key=lambda identity: left.get(identity, 0.0))
        y0, y1 = heights[start], heights[end]
        if start in structural and end in structural:
            continue
        if start in structural:
            x0, x1 = contents_end, left[end] - 0.07
        else:
            x0, x1 = left[start] + width["column"], left[end] - 0.07
        if left.get(start) == left.get(end):  # two nodes of one column: an arc behind their texts
            x1 = x0
            reach = min(width["gap"] * 0.95 if start in near else 1.2, 0.25 + 0.35 * abs(y1 - y0) ** 0.6)
            middle = [(x0 + reach, y0), (x0 + reach, y1)]
        else:
            half = (x0 + x1) / 2
            middle = [(half, y0), (half, y1)]
        path = Curve([(x0, y0), *middle, (x1, y1)], [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
        axes.add_patch(PathPatch(path, facecolor="none", edgecolor=edges[relation.type], linewidth=0.9, alpha=0.75))

    linked = {identity for relation in drawn for identity in (relation.start, relation.end)}
    for node, level in rows:
        text = axes.text(
            0.22 * level,
            heights[node.id],
            f"{node.number} {node.name}".strip(),
            va="center",
            fontsize=8.5 if level == 0 else 7.2,
            color=BLUE if level == 0 else DARK,
        )
        if node.id in linked:  # a thin line leads from the text to where its relations begin
            end = 0.22 * level + 0.03 + len(text.get_text()) * (8.5 if level == 0 else 7.2) / 72
            if end < contents_end:
                axes.plot([end, contents_end], [heights[node.id]] * 2, color="#c9ced4", linewidth=0.5, zorder=0)
    for identity in near + far:
        node = graph.nodes[identity]
        axes.plot(left[identity], heights[identity], "o", markersize=4.5, color=dots[node.label])
        axes.text(left[identity] + 0.09, heights[identity], node.name, va="center", fontsize=7.8, color=DARK)
        if any(identity in (relation.start, relation.end) for relation in drawn):
            end = left[identity] + 0.14 + len(node.name) * 7.8 / 72
            if end < left[identity] + width["column"]:
                axes.plot(
                    [end, left[identity] + width["column"]],
                    [heights[identity]] * 2,
                    color="#c9ced4",
                    linewidth=0.5,
                    zorder=0,
                )
    _legend(figure, vocabulary, used, edges, dots)
    save(figure, png, svg, notice)
