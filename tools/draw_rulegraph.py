"""Draw the output of `snakemake --rulegraph` (read from standard input) as an SVG, without graphviz.

Usage: snakemake --rulegraph all | python tools/draw_rulegraph.py docs/rulegraph.svg
"""

import argparse
import re
import sys

import matplotlib
import networkx

matplotlib.use("svg")
import matplotlib.pyplot as plt


def read_graph(text: str) -> networkx.DiGraph:
    """Return the graph of a dot text as snakemake writes it: nodes `N[label = "rule", ...]`, edges `N -> M`."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "([^"]+)"', text, re.MULTILINE))
    graph = networkx.DiGraph()
    graph.add_nodes_from(names.values())
    graph.add_edges_from(
        (names[start], names[end]) for start, end in re.findall(r"^\s*(\d+) -> (\d+)", text, re.MULTILINE)
    )
    if not names:
        sys.exit("no rule graph on standard input: pipe `snakemake --rulegraph all` into this")
    return graph


def positions(graph: networkx.DiGraph) -> dict[str, tuple[float, float]]:
    """Return places in layers from top to bottom, each layer ordered by the middle of what it takes from above."""
    places: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(networkx.topological_generations(networkx.transitive_reduction(graph))):
        above = {rule: [places[before][0] for before in graph.predecessors(rule)] for rule in layer}
        ordered = sorted(layer, key=lambda rule: (sum(above[rule]) / len(above[rule]) if above[rule] else 0.0, rule))
        for index, rule in enumerate(ordered):
            places[rule] = (index - (len(ordered) - 1) / 2, -float(depth))
    return places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("svg", help="file to write")
    output = parser.parse_args().svg
    graph = networkx.transitive_reduction(read_graph(sys.stdin.read()))
    places = positions(graph)
    plt.rcParams["svg.hashsalt"] = "tatara"
    width = max(x for x, _ in places.values()) - min(x for x, _ in places.values()) + 1
    depth = -min(y for _, y in places.values()) + 1
    figure, axes = plt.subplots(figsize=(2.3 * width, 0.62 * depth))
    box = {"boxstyle": "round,pad=0.35", "facecolor": "#eef3f8", "edgecolor": "#35618f", "linewidth": 0.8}
    labels = {
        rule: axes.text(*place, rule, ha="center", va="center", fontsize=8, bbox=box, zorder=2)
        for rule, place in places.items()
    }
    for start, end in graph.edges:
        axes.annotate(
            "",
            places[end],
            places[start],
            zorder=1,
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#8899aa",
                "linewidth": 0.8,
                "patchA": labels[start].get_bbox_patch(),
                "patchB": labels[end].get_bbox_patch(),
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )
    xs, ys = zip(*places.values(), strict=True)
    axes.set(xlim=(min(xs) - 0.6, max(xs) + 0.6), ylim=(min(ys) - 0.5, max(ys) + 0.5))
    axes.axis("off")
    figure.savefig(output, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
