"""How much of a domain that people wrote does `make draft` find in its documents?

Usage: python benchmarks/draft.py DOCUMENTS OUT [--truth resources/graph] [--sample 200]

DOCUMENTS is the folder of the standards' text (00_….md and so on), no part of this project. Writes OUT/draft.json:

- chapters, sections: how many of those of toc.csv were found with the same number, name and parents; names are compared
  without punctuation. `without_contents_of_others` is the same where the documents are read without those that list the
  contents of another, that is, without the overview;
- relations: of the relations of the graph that people wrote, how many are proposed: `ends`, both ends are nodes of the
  draft; `pair`, they are joined; `type`, by a type that means the same (SAME below); each by type;
- seconds, peak_mib, characters: of the whole `make draft`, in a process of its own;
- facts: how many by kind; OUT/facts_sample.csv has a random sample of them, to be read one by one.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))
from tatara.draft.build import volumes_of  # noqa: E402
from tatara.draft.outline import Volume  # noqa: E402
from tatara.draft.readers import read_documents  # noqa: E402
from tatara.draft.structure import read_outlines  # noqa: E402
from tatara.files.normalise import normalise  # noqa: E402

# Relation type of the graph -> the drafted types that mean the same.
SAME = {
    "HAS_CHAPTER": ("HAS_CHAPTER",),
    "HAS_SECTION": ("HAS_SECTION",),
    "HAS_ITEM": (),  # a draft goes down to sections
    "DESCRIBED_IN": ("STATED_IN",),
    "DEFINED_IN": ("STATED_IN",),
    "SUBJECT_TO": ("REQUIRES",),
    "REQUIRES": ("REQUIRES", "CONSISTS_OF"),
    "USED_IN": ("USED_FOR",),
    "AFFECTS": ("CAUSES",),
    "MITIGATES": ("PREVENTS",),
    "PRECEDES": ("PRECEDES",),
}
SEED = 43


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def share(found: int, count: int) -> dict[str, int]:
    return {"found": found, "of": count}


def places_of_truth(folder: Path) -> tuple[set, set]:
    toc = rows(folder / "toc.csv")
    chapters = {(r["volume"], r["chapter_number"], normalise(r["chapter"])) for r in toc}
    sections = {
        (r["volume"], r["chapter_number"], normalise(r["chapter"]), r["section_number"], normalise(r["section"]))
        for r in toc
        if r["section"]
    }
    return chapters, sections


def volume_names(volumes: list[Volume], chapters: set) -> dict[str, str]:
    """Return drafted volume -> the volume of the truth that shares the largest part of its chapters."""
    names = {}
    for volume in volumes:
        own = {normalise(chapter.name) for chapter in volume.chapters}
        shared = Counter(name for name, _, chapter in chapters if chapter in own)
        names[volume.name] = shared.most_common(1)[0][0] if shared else ""
    return names


def measure_places(documents: list, truth: Path) -> dict:
    chapters, sections = places_of_truth(truth)
    volumes = volumes_of(read_outlines(documents))
    names = volume_names(volumes, chapters)
    found_chapters, found_sections = set(), set()
    for volume in volumes:
        for chapter in volume.chapters:
            key = (names[volume.name], chapter.number, normalise(chapter.name))
            found_chapters.add(key)
            found_sections |= {(*key, section.number, normalise(section.name)) for section in chapter.sections}
    return {
        "chapters": share(len(chapters & found_chapters), len(chapters)),
        "sections": share(len(sections & found_sections), len(sections)),
        "chapters_that_are_none": len(found_chapters - chapters),
        "sections_that_are_none": len(found_sections - sections),
    }


def drafted_keys(folder: Path, names: dict[str, str]) -> dict[str, str]:
    """Return node of the draft -> what it is compared by: a term's name, a place's volume and numbers."""
    nodes = {row["id"]: row for row in rows(folder / "draft/nodes.csv")}
    parents = {row["end"]: row["start"] for row in rows(folder / "draft/relations.csv") if not row["reason"]}
    return {id_: place_key(id_, nodes, parents, names) or normalise(row["name"]) for id_, row in nodes.items()}


def place_key(id_: str, nodes: dict, parents: dict, names: dict[str, str]) -> str:
    """Return `volume|第1章|第2節` for a chapter or section, the volume's name for a document, empty for other nodes."""
    if id_ in parents:
        return f"{place_key(parents[id_], nodes, parents, names)}|{nodes[id_]['number']}"
    return names.get(nodes[id_]["name"], "")


def measure_relations(folder: Path, truth: Path, names: dict[str, str]) -> dict:
    keys = drafted_keys(folder, names)
    joined: dict[tuple, set] = {}
    for row in rows(folder / "draft/relations.csv"):
        joined.setdefault((keys[row["start"]], keys[row["end"]]), set()).add(row["type"])
    files = ("nodes_structure.csv", "nodes_domain.csv")
    nodes = {row["id:ID"]: row for file in files for row in rows(truth / file)}
    relations = [row for file in ("relations_structure.csv", "relations_domain.csv") for row in rows(truth / file)]
    parents = {row[":END_ID"]: row[":START_ID"] for row in relations if not row["reason"]}
    own = {row["name"]: row["name"] for row in nodes.values() if row[":LABEL"] == "Standard"}
    true_keys = {id_: place_key(id_, nodes, parents, own) or normalise(row["name"]) for id_, row in nodes.items()}
    result: dict[str, dict[str, int]] = {}
    for row in relations:
        counts = result.setdefault(row[":TYPE"], {"of": 0, "ends": 0, "pair": 0, "type": 0})
        start, end = true_keys[row[":START_ID"]], true_keys[row[":END_ID"]]
        counts["of"] += 1
        counts["ends"] += {start, end} <= set(keys.values())
        counts["pair"] += (start, end) in joined or (end, start) in joined
        counts["type"] += bool(joined.get((start, end), set()) & set(SAME[row[":TYPE"]]))
    total = {key: sum(counts[key] for counts in result.values()) for key in ("of", "ends", "pair", "type")}
    return {"all": total} | result


def run_draft(documents: Path, folder: Path) -> dict:
    """Make the draft in a process of its own, and return its seconds and its peak memory."""
    start = time.monotonic()
    command = [sys.executable, str(REPOSITORY / "tools/draft.py"), str(folder), f"{documents}/[0-9]*"]
    subprocess.run(command, check=True)
    seconds = time.monotonic() - start
    return {
        "seconds": round(seconds, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "characters": sum(len(path.read_text(encoding="utf-8")) for path in documents.glob("[0-9]*")),
        "characters_of_text": sum(
            len(path.read_text(encoding="utf-8")) for path in (folder / "draft/text").glob("*.txt")
        ),
    }


def write_sample(folder: Path, count: int) -> dict[str, int]:
    facts = rows(folder / "draft/facts.csv")
    sample = random.Random(SEED).sample(facts, min(count, len(facts)))
    with (folder.parent / "facts_sample.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(facts[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sample)
    return dict(sorted(Counter(row["kind"] for row in facts).items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path, help="folder of the documents")
    parser.add_argument("out", type=Path, help="folder for the figures and the draft")
    parser.add_argument("--truth", type=Path, default=REPOSITORY / "resources/graph", help="graph that people wrote")
    parser.add_argument("--sample", type=int, default=200, help="facts to be read one by one")
    arguments = parser.parse_args()
    folder = arguments.out / "domain"
    figures = run_draft(arguments.documents, folder)
    documents = read_documents([f"{arguments.documents}/[0-9]*"])
    figures |= measure_places(documents, arguments.truth)
    figures["without_contents_of_others"] = measure_places(documents[1:], arguments.truth)
    names = volume_names(volumes_of(read_outlines(documents)), places_of_truth(arguments.truth)[0])
    figures["relations"] = measure_relations(folder, arguments.truth, names)
    figures["facts"] = write_sample(folder, arguments.sample)
    (arguments.out / "draft.json").write_text(
        json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
