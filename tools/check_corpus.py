"""Look the graph's terms up in the text of the documents that it cites.

It is run by hand, since the text is not part of the project.

Usage: python tools/check_corpus.py VOLUME=FILE … [--config config/config.yaml]

Three things are looked up, in NFKC and without spaces: the name of every structural node in its volume; the heading of
every cited chapter; and for every relation that carries evidence, the names of its ends (those that are no part of the
table of contents) in the cited chapter, else anywhere in the volume. What the text lacks is listed for a reader:
a term may be the project's own word for something that the text describes.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.data.graph import Graph
from tatara.data.graph_csv import load_graph
from tatara.data.schema import read_schema
from tatara.files.config import read_config
from tatara.files.normalise import squeeze

MARKUP = re.compile(r"\{#.*\}|\(#.*?\)|[#*>\[\]_]")


def lines_of(path: Path) -> list[str]:
    """Return the lines of a Markdown or text file, squeezed, without those of its table of contents that are links."""
    return [
        squeeze(MARKUP.sub("", line)) for line in path.read_text(encoding="utf-8").splitlines() if "_Toc" not in line
    ]


def text_of(path: Path) -> str:
    """Return the whole text, its table of contents too, squeezed."""
    return squeeze(MARKUP.sub("", path.read_text(encoding="utf-8")))


def chapter_text(lines: list[str], chapter: str, chapters: list[str]) -> str:
    """Return the longest text from a heading of the chapter, numbered or not, to the next chapter's; else nothing."""

    def heads(title: str) -> set[int]:
        name = re.escape(squeeze(title.split(" ", 1)[-1]))
        return {number for number, line in enumerate(lines) if re.fullmatch(rf"(第[\d-]+章|\d+\.)?{name}", line)}

    own = heads(chapter)
    stops = sorted({place for title in chapters if title != chapter for place in heads(title)} | {len(lines)})
    parts = ["".join(lines[place : next(stop for stop in stops if stop > place)]) for place in own]
    return max(parts, key=len, default="")


def structural_names(graph: Graph, whole: dict[str, str], counts: Counter) -> list[str]:
    """Return the nodes of the table of contents whose names their volume's text lacks; volumes are no names in it.

    Args:
        whole: volume -> its text.
        counts: gets the number of names.
    """
    nodes = [node for node in graph.nodes.values() if node.label in graph.schema.levels]
    counts["structural names"] = len(nodes)
    volumes = {node.id: graph.citation(node.id).volume for node in nodes}
    return [
        f"{volumes[node.id]}: {node.title} ({node.id})"
        for node in nodes
        if graph.parent(node.id) and squeeze(node.name) not in whole[volumes[node.id]]
    ]


def terms(
    graph: Graph, texts: dict[str, list[str]], whole: dict[str, str], counts: Counter
) -> tuple[set[str], set[str]]:
    """Return the cited chapters without a heading in the text, and the terms that their cited volume lacks.

    Args:
        texts, whole: volume -> its lines, its text.
        counts: gets the number of terms and where they stand.
    """
    headings, missing = set(), set()
    for relation in graph.relations:
        if graph.schema.relations[relation.type].structural:
            continue
        place = graph.evidence(relation)
        places = [known for known in graph.toc.places if known.volume == place.volume and not known.section]
        chapter = chapter_text(texts[place.volume], place.chapter, [known.chapter for known in places if known.chapter])
        if place.chapter and not chapter:
            headings.add(f"{place.volume} {place.chapter}")
        for node in (graph.nodes[relation.start], graph.nodes[relation.end]):
            if node.label in graph.schema.levels:
                continue
            counts["terms"] += 1
            if squeeze(node.name) in chapter:
                counts["in the cited chapter"] += 1
            elif squeeze(node.name) in whole[place.volume]:
                counts["elsewhere in the cited volume"] += 1
            else:
                missing.add(f"{node.name} ({node.id}), cited in {place.text} by {relation.type}")
    return headings, missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "texts", nargs="+", metavar="VOLUME=FILE", help="a volume of toc.csv and the file that holds its text"
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config/config.yaml"),
        help="configuration that names the graph (default: %(default)s)",
    )
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    files = read_config([arguments.config], root)["graph"]
    paths = {key: [root / name for name in files[key]] for key in ("nodes", "relations")}
    graph = load_graph(paths["nodes"], paths["relations"], read_schema(root / files["schema"]), root / files["toc"])
    volumes = list(dict.fromkeys(place.volume for place in graph.toc.places))
    named = {volume: Path(file) for volume, _, file in (entry.partition("=") for entry in arguments.texts)}
    texts = {volume: lines_of(path) for volume, path in named.items()}
    if missing := sorted(set(volumes) ^ texts.keys()):
        parser.error(f"expected VOLUME=FILE for each of {', '.join(volumes)}; missing or unknown: {', '.join(missing)}")
    whole = {volume: text_of(path) for volume, path in named.items()}

    counts: Counter = Counter()
    missing_names = structural_names(graph, whole, counts)
    headings, missing_terms = terms(graph, texts, whole, counts)
    for title, entries in (
        ("structural names not in their volume", missing_names),
        ("cited chapters without a heading in the text", sorted(headings)),
        ("terms not in the cited volume", sorted(missing_terms)),
    ):
        print(f"{title}: {len(entries)}")
        for entry in entries:
            print(f"  {entry}")
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
