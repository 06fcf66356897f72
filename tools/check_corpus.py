"""Look the graph's terms up in the text of the documents that it cites.

It is run by hand, since the text is not part of the project.

Usage: python tools/check_corpus.py VOLUME=FILE … [--config config/config.yaml]

Four things are looked up, in NFKC and without spaces: the name of every structural node in its volume; the heading of
every cited chapter; for every relation that carries evidence, the names of its ends (those that are no part of the
table of contents) in the cited chapter, else anywhere in the volume; and for every fact its numbers and key terms in
the cited section, and that no run of 20 characters of a wording is copied from the volume. What the text lacks is
listed for a reader: a term may be the project's own word for something that the text describes.
"""

import argparse
import re
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import tatara_path  # noqa: F401
from tatara.data.facts import numbers
from tatara.data.graph import Graph
from tatara.data.graph_csv import load_graph
from tatara.data.schema import read_schema
from tatara.data.toc import Citation, Toc
from tatara.files.config import read_config
from tatara.files.normalise import squeeze

COPIED = 20  # characters in a row that a wording must not share with the text
MARKUP = re.compile(r"\{[#.][^{}]*\}|\(#.*?\)|[#*>\[\]_|]|[-=+]{3,}")
NUMBERS = re.compile(r"^(?:第[\d-]+[章節編]|[\d.]+\.?)+(?=\D)")  # before the name of a heading


def lines_of(path: Path) -> list[str]:
    """Return the lines of a Markdown or text file, squeezed, without those of its table of contents that are links."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [squeeze(MARKUP.sub("", line)) for line in lines if "](#" not in line]


def text_of(path: Path) -> str:
    """Return the whole text, its table of contents too, squeezed."""
    return squeeze(MARKUP.sub("", path.read_text(encoding="utf-8")))


def _headings(lines: list[str], places: list[Citation]) -> dict[Citation, int]:
    """Return the line at which each place begins, of those that have a heading.

    A heading is a line with the name, numbered or not. Names such as 総説 stand many times: of all ways to give places
    a line each, in the order of the table of contents, one that gives most of them a line is taken.
    """
    by_name: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        by_name.setdefault(NUMBERS.sub("", line), []).append(number)
    # The last line of the best chain of each length so far, and the chain itself (patience sorting).
    last: list[int] = []
    chains: list[tuple] = []
    for place in places:
        name = squeeze((place.section or place.chapter).split(" ", 1)[-1])
        for number in reversed(by_name.get(name, [])):
            length = bisect_left(last, number)
            chain = (place, number, chains[length - 1] if length else None)
            last[length : length + 1], chains[length : length + 1] = [number], [chain]
    found, chain = {}, chains[-1] if chains else None
    while chain:
        place, number, chain = chain
        found[place] = number
    return found


class Texts:
    """The text of each volume, whole and cut at the headings of the table of contents."""

    def __init__(self, files: dict[str, Path], toc: Toc):
        self.whole = {volume: text_of(path) for volume, path in files.items()}
        self._texts: dict[Citation, str] = {}
        for volume, path in files.items():
            lines = lines_of(path)
            places = [place for place in toc.places if place.volume == volume and place.chapter]
            starts = _headings(lines, places)
            for index, place in enumerate(places):
                if place in starts:
                    after = (other for other in places[index + 1 :] if place.section or not other.section)
                    end = next((starts[other] for other in after if other in starts), len(lines))
                    self._texts[place] = "".join(lines[starts[place] : end])

    def text(self, place: Citation) -> str:
        """Return the text of a chapter or a section; nothing where it has no heading."""
        return self._texts.get(place, "")


def structural_names(graph: Graph, texts: Texts, counts: Counter) -> list[str]:
    """Return the nodes of the table of contents whose names their volume's text lacks; volumes are no names in it.

    Args:
        counts: gets the number of names.
    """
    nodes = [node for node in graph.nodes.values() if node.label in graph.schema.levels]
    counts["structural names"] = len(nodes)
    volumes = {node.id: graph.citation(node.id).volume for node in nodes}
    return [
        f"{volumes[node.id]}: {node.title} ({node.id})"
        for node in nodes
        if graph.parent(node.id) and squeeze(node.name) not in texts.whole[volumes[node.id]]
    ]


def terms(graph: Graph, texts: Texts, counts: Counter) -> tuple[set[str], set[str]]:
    """Return the cited chapters without a heading in the text, and the terms that their cited volume lacks.

    Args:
        counts: gets the number of terms and where they stand.
    """
    headings, missing = set(), set()
    for relation in graph.relations:
        if graph.schema.relations[relation.type].structural:
            continue
        place = graph.evidence(relation)
        if not place.volume:
            continue
        chapter = texts.text(Citation(place.volume, place.chapter))
        if place.chapter and not chapter:
            headings.add(f"{place.volume} {place.chapter}")
        for node in (graph.nodes[relation.start], graph.nodes[relation.end]):
            if node.label in graph.schema.levels:
                continue
            counts["terms"] += 1
            if squeeze(node.name) in chapter:
                counts["in the cited chapter"] += 1
            elif squeeze(node.name) in texts.whole[place.volume]:
                counts["elsewhere in the cited volume"] += 1
            else:
                missing.add(f"{node.name} ({node.id}), cited in {place.text} by {relation.type}")
    return headings, missing


def copied(text: str, source: str) -> str:
    """Return the first run of COPIED characters that stands in a source, or ""."""
    runs = (text[place : place + COPIED] for place in range(len(text) - COPIED + 1))
    return next((run for run in runs if run in source), "")


def facts(graph: Graph, texts: Texts, counts: Counter) -> tuple[list[str], list[str]]:
    """Return the facts with a number or a term that the cited section lacks, and the wordings that are copied.

    Args:
        counts: gets the number of facts, and of those with all numbers and terms in the cited section, or chapter.
    """
    missing, copies = [], []
    for fact in graph.facts:
        counts["facts"] += 1
        wanted = {*numbers(fact.wordings[0]), *map(squeeze, fact.terms)}
        section, chapter = texts.text(fact.place), texts.text(Citation(fact.place.volume, fact.place.chapter))
        if lacking := sorted(item for item in wanted if item not in section):
            counts["facts whole in the cited chapter"] += all(item in chapter for item in lacking)
            where = "the cited chapter has it" if all(item in chapter for item in lacking) else fact.place.text
            missing.append(f"{fact.source}: {', '.join(lacking)} ({where}): {fact.wordings[0]}")
        else:
            counts["facts whole in the cited section"] += 1
        for text in map(squeeze, fact.wordings):
            if run := copied(text, texts.whole[fact.place.volume]):
                copies.append(f"{fact.source}: {run}")
    return missing, copies


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
    paths = {key: [root / name for name in files[key]] for key in ("nodes", "relations", "facts")}
    schema, toc = read_schema(root / files["schema"]), root / files["toc"]
    graph = load_graph(
        paths["nodes"], paths["relations"], schema, toc, fact_files=paths["facts"], evidence=files["evidence"]
    )
    volumes = list(dict.fromkeys(place.volume for place in graph.toc.places))
    named = {volume: Path(file) for volume, _, file in (entry.partition("=") for entry in arguments.texts)}
    if missing := sorted(set(volumes) ^ named.keys()):
        parser.error(f"expected VOLUME=FILE for each of {', '.join(volumes)}; missing or unknown: {', '.join(missing)}")
    texts = Texts(named, graph.toc)

    counts: Counter = Counter()
    missing_names = structural_names(graph, texts, counts)
    headings, missing_terms = terms(graph, texts, counts)
    missing_facts, copies = facts(graph, texts, counts)
    for title, entries in (
        ("structural names not in their volume", missing_names),
        ("cited chapters without a heading in the text", sorted(headings)),
        ("terms not in the cited volume", sorted(missing_terms)),
        ("facts with a number or term that the cited section lacks", missing_facts),
        (f"wordings with {COPIED} characters as the text has them", copies),
    ):
        print(f"{title}: {len(entries)}")
        for entry in entries:
            print(f"  {entry}")
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
