"""Data figure 5: the whole graph, the table of contents on the left and everything else beside it."""

from collections import Counter
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

from tatara.data.graph import Relation
from tatara.data.graph_csv import load_exported
from tatara.data.schema import Schema
from tatara.report.figures.graph_places import CONTENTS, GAP, ROW, Places, domain_relations, places_of
from tatara.report.figures.style import BLUE, DARK, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW, new_figure

EDGE_COLOURS = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#8c6d1f", DARK]
NODE_COLOURS = [VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY, YELLOW, DARK]
LEADER = {"color": "#c9ced4", "linewidth": 0.5, "zorder": 0}  # the line from a text to where its relations begin


def _colours(keys: list[str], palette: list[str]) -> dict[str, str]:
    return {key: palette[index % len(palette)] for index, key in enumerate(keys)}


def _curve(relation: Relation, places: Places) -> Curve:
    """Return the line of a relation, from the end of what stands on the left to the dot of what stands on the right."""
    start, end = sorted((relation.start, relation.end), key=lambda identity: places.left.get(identity, 0.0))
    y0, y1 = places.height[start], places.height[end]
    x0, x1 = places.end(start), places.left[end] - 0.07
    if places.left.get(start) == places.left.get(end):  # two nodes of one column: an arc behind their texts
        x1 = x0
        reach = min(GAP * 0.95 if start in places.near else 1.2, 0.25 + 0.35 * abs(y1 - y0) ** 0.6)
        middle = [(x0 + reach, y0), (x0 + reach, y1)]
    else:
        half = (x0 + x1) / 2
        middle = [(half, y0), (half, y1)]
    return Curve([(x0, y0), *middle, (x1, y1)], [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])


def _draw_contents(axes: Axes, places: Places, linked: set[str]) -> None:
    """Write the table of contents as an indented list."""
    for node, level in places.contents:
        y, fontsize = places.height[node.id], 8.5 if level == 0 else 7.2
        text, colour = f"{node.number} {node.name}".strip(), BLUE if level == 0 else DARK
        axes.text(0.22 * level, y, text, va="center", fontsize=fontsize, color=colour)
        end = 0.22 * level + 0.03 + len(text) * fontsize / 72
        if node.id in linked and end < CONTENTS:
            axes.plot([end, CONTENTS], [y] * 2, **LEADER)


def _draw_nodes(axes: Axes, graph, places: Places, linked: set[str], dots: dict[str, str]) -> None:
    """Draw the other nodes in their columns, each a dot and its name."""
    for identity in places.near + places.far:
        node, x, y = graph.nodes[identity], places.left[identity], places.height[identity]
        axes.plot(x, y, "o", markersize=4.5, color=dots[node.label])
        axes.text(x + 0.09, y, node.name, va="center", fontsize=7.8, color=DARK)
        end = x + 0.14 + len(node.name) * 7.8 / 72
        if identity in linked and end < places.end(identity):
            axes.plot([end, places.end(identity)], [y] * 2, **LEADER)


def _draw_legend(figure: Figure, schema: Schema, used: Counter, edges: dict[str, str], dots: dict[str, str]) -> None:
    points = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=schema.labels[key]) for key, colour in dots.items()
    ]
    lines = [
        Line2D([], [], color=colour, linewidth=1.8, label=f"{schema.relations[key].name} {key} ({used[key]})")
        for key, colour in edges.items()
    ]
    figure.legend(handles=points + lines, loc="outside upper left", ncols=4, fontsize=8)


def draw(*, nodes: Path | str, relations: Path | str, schema: Path | str, toc: Path | str) -> Figure:
    """Draw the table of contents as a list, and the other nodes in columns beside it, each near what it links to.

    Args:
        nodes, relations: graph/nodes.csv, graph/relations.csv.
        schema, toc: schema.yaml, toc.csv.
    """
    graph = load_exported({"nodes": nodes, "relations": relations, "schema": schema, "toc": toc})
    vocabulary = graph.schema
    drawn = domain_relations(graph)
    places = places_of(graph, drawn)
    used = Counter(relation.type for relation in drawn)
    edges = _colours([type_ for type_ in vocabulary.relations if type_ in used], EDGE_COLOURS)
    labels = {graph.nodes[identity].label for identity in places.near + places.far}
    dots = _colours([label for label in vocabulary.labels if label in labels], NODE_COLOURS)

    depth = max(places.height.values(), default=0.0)
    figure = new_figure(places.width + 0.3, depth + 1.5)
    axes = figure.add_subplot()
    axes.set_xlim(-0.1, places.width + 0.1)
    axes.set_ylim(depth + ROW, -ROW)
    axes.axis("off")
    for relation in drawn:
        if relation.start in places.left or relation.end in places.left:
            style = {"edgecolor": edges[relation.type], "linewidth": 0.9, "alpha": 0.75}
            axes.add_patch(PathPatch(_curve(relation, places), facecolor="none", **style))
    linked = {identity for relation in drawn for identity in (relation.start, relation.end)}
    _draw_contents(axes, places, linked)
    _draw_nodes(axes, graph, places, linked, dots)
    _draw_legend(figure, vocabulary, used, edges, dots)
    return figure
