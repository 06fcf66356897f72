"""Which of the facts that a test question requires stand in the training answers, and in how many
(testset/coverage.csv).
"""

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

from tatara.data.facts import Fact
from tatara.files.normalise import squeeze
from tatara.files.text import write_csv

COLUMNS = ("id", "label", "category", "n", "facts", "taught", "taught_facts", "pairs", "question")
GRAPH = "graph"  # in place of n: all facts of the graph
TAUGHT, PARTLY, UNTAUGHT = "taught", "partly", "untaught"
UNKNOWN = "unknown"  # of a question that requires no fact


def status(taught: int, facts: int) -> str:
    """Return whether a question is taught (all of its facts are), untaught (none), partly taught, or requires none."""
    if not facts:
        return UNKNOWN
    return TAUGHT if taught == facts else PARTLY if taught else UNTAUGHT


class _Texts:
    """Texts in which wordings are looked for, joined so that one search does."""

    def __init__(self, texts: list[str]):
        squeezed = [squeeze(text) for text in texts]
        self.joined = "\n".join(squeezed)
        self.starts = [0, *accumulate(len(text) + 1 for text in squeezed)]

    def number(self, wordings: list[str]) -> int:
        """Return how many of the texts hold one of these wordings."""
        found: set[int] = set()
        for wording in map(squeeze, wordings):
            place = self.joined.find(wording)
            while place >= 0:
                text = bisect_right(self.starts, place) - 1
                found.add(text)
                place = self.joined.find(wording, self.starts[text + 1])
        return len(found)


def coverage_rows(questions: list[dict], subsets: dict[int, list[dict]], facts: list[Fact]) -> list[dict]:
    """Return a row for each question and subset, and one for each question and the facts of the whole graph.

    A fact is taught if one of its accepted wordings stands in an answer (in NFKC and without spaces).

    Args:
        subsets: number of pairs -> the pairs.
        facts: all of the graph; none where it has no facts, and then there are no rows for them.
    """
    texts: dict[int | str, _Texts] = {}
    if facts:
        texts[GRAPH] = _Texts([text for fact in facts for text in fact.wordings])
    rows = []
    for n, pairs in sorted(subsets.items()):
        texts[n] = _Texts([pair["answer"] for pair in pairs])
    for n, source in texts.items():
        for question in questions:
            numbers = [source.number(wordings) for wordings in question["facts"]]
            held = [place for place, number in enumerate(numbers) if number]
            rows.append(
                {
                    "id": question["id"],
                    "label": question["label"],
                    "category": question["category"],
                    "n": n,
                    "facts": len(question["facts"]),
                    "taught": len(held),
                    "taught_facts": ";".join(map(str, held)),
                    "pairs": "" if n == GRAPH else ";".join(map(str, numbers)),
                    "question": status(len(held), len(question["facts"])),
                }
            )
    return rows


def write_coverage(questions: list[dict], subsets: dict[int, list[dict]], facts: list[Fact], path: Path) -> None:
    """Write coverage.csv."""
    write_csv(path, list(COLUMNS), [list(row.values()) for row in coverage_rows(questions, subsets, facts)])
