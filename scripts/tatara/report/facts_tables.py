"""Tables of what the training pairs hold: facts and how often each is met, repetition, register, coverage."""

import logging
from collections import Counter
from pathlib import Path

import pandas

from tatara.data.coverage import GRAPH, PARTLY, TAUGHT, UNTAUGHT
from tatara.data.facts import read_facts
from tatara.files.jsonl import read_fields
from tatara.report.left_out_table import WARNING
from tatara.report.numbers import DASH, number, percent
from tatara.report.text_table import TextTable

logger = logging.getLogger("tatara")
_HELD = {
    "facts": ("Facts that stand in answers", 0),
    "facts_in_all_wordings": ("Facts in all of their wordings", 0),
    "fact_uses_min": ("Times a fact is met, least", 0),
    "fact_uses_mean": ("Times a fact is met, mean", 1),
    "fact_uses_max": ("Times a fact is met, most", 0),
    "wording_uses_max": ("Times one wording of a fact is met, most", 0),
    "sentence_uses_max": ("Times one sentence stands, most", 0),
}


def _by_size(quality: Path | str) -> pandas.DataFrame:
    """Return metric x size of what quality.csv says without a key."""
    rows = pandas.read_csv(quality, keep_default_na=False)
    return rows[rows["key"] == ""].pivot(index="metric", columns="n", values="value")


def _headings(first: str, sizes: list[int]) -> list[str]:
    return [first, *(f"n\u00a0=\u00a0{n:,}" for n in sizes)]


def content_table(quality: Path | str) -> TextTable:
    """Return how many facts the subsets hold, how often each is met, and how much is repetition."""
    table = _by_size(quality)
    sizes = list(table.columns)
    rows = [
        [label, *(number(table.loc[metric, n], places) for n in sizes)]
        for metric, (label, places) in _HELD.items()
        if metric in table.index
    ]
    if "distinct_chars" in table.index:
        shares = (percent(table.loc["distinct_chars", n], 1) for n in sizes)
        rows.append(["Characters that are not repetition, by sentence", *shares])
    note = (
        "A fact is learnt by being met several times in different words. A larger subset should hold more facts, and "
        "not one sentence more often."
    )
    numeric = [False] + [True] * len(sizes)
    return TextTable("Facts and repetition", note, _headings("Answers", sizes), rows, numeric, "No pairs.")


def register_table(quality: Path | str, polite_points: float, length_share: float) -> TextTable:
    """Return the register and length of training answers beside those of the test set's references; log a warning where
    they differ by more than the configuration allows.

    Args:
        polite_points: percentage points between the shares of polite sentences.
        length_share: difference of the mean lengths, in parts of the references'.
    """
    table = _by_size(quality)
    sizes = list(table.columns)
    warned = {"polite_share": False, "answer_chars_mean": False}
    compared = "test_polite_share" in table.index
    for n in sizes if compared else ():
        points = 100 * abs(table.loc["polite_share", n] - table.loc["test_polite_share", n])
        length = abs(table.loc["answer_chars_mean", n] / table.loc["test_answer_chars_mean", n] - 1)
        warned["polite_share"] |= points > polite_points
        warned["answer_chars_mean"] |= length > length_share
    labels = {"polite_share": "Polite sentences", "answer_chars_mean": "Characters of an answer, mean"}
    rows = []
    for metric, label in labels.items():
        for prefix, whose in (("", "training"), ("test_", "test references"))[: 2 if compared else 1]:
            values = table.loc[f"{prefix}{metric}"]
            cells = [percent(value, 1) if metric == "polite_share" else number(value, 0) for value in values]
            rows.append([f"{WARNING if warned[metric] and not prefix else ''}{label}, {whose}", *cells])
        if warned[metric]:
            logger.warning("%s: %s in training, %s in the test references", label, rows[-2][-1], rows[-1][-1])
    note = (
        f"{WARNING}marks a difference above {polite_points:g} points or {percent(length_share)} (config key register): "
        "then a likelihood of the references measures manners beside knowledge."
    )
    note = note if compared else "No test question has a reference answer to compare with."
    numeric = [False] + [True] * len(sizes)
    return TextTable("Register of training and test", note, _headings("", sizes), rows, numeric, "No pairs.")


def sections_table(facts: Path | str, subset: Path | str) -> TextTable:
    """Return the facts of each chapter: their sections, and how often the largest subset meets them.

    Args:
        facts: graph/facts.csv; subset: the largest subset.
    """
    known = read_facts(facts)
    uses = Counter(name.partition(":")[0] for row in read_fields(subset, ("facts",)) for name in row["facts"])
    chapters: dict[tuple[str, str], list] = {}
    for fact in known:
        chapters.setdefault((fact.place.volume, fact.place.chapter), []).append(fact)
    rows = []
    for (volume, chapter), own in chapters.items():
        met = [uses[fact.id] for fact in own]
        sections = Counter(fact.place.section for fact in own)
        spread = f"{min(sections.values())} – {max(sections.values())}"
        rows.append(
            [
                f"{volume} {chapter}",
                str(len(sections)),
                spread,
                str(len(own)),
                str(min(met)),
                number(sum(met) / len(met), 1),
            ]
        )
    headings = ["Chapter", "Sections", "Facts a section", "Facts", "Times met, least", "Times met, mean"]
    title = f"Facts by chapter: {len(known):,} in {len({fact.place for fact in known}):,} sections"
    note = "Times met: in the answers of the largest subset."
    numeric = [False, True, True, True, True, True]
    return TextTable(title, note, headings, rows, numeric, "The graph has no facts; answers are made of descriptions.")


def coverage_table(coverage: Path | str) -> TextTable:
    """Return how many test questions, and how many of their facts, each subset and the graph's facts teach."""
    table = pandas.read_csv(coverage, dtype={"n": str, "taught_facts": str}, keep_default_na=False)
    rows = []
    for (label, n), own in table.groupby(["label", "n"], sort=False):
        counts = own["question"].value_counts()
        share = own["taught"].sum() / own["facts"].sum() if own["facts"].sum() else float("nan")
        source = "facts of the graph" if n == GRAPH else f"n\u00a0=\u00a0{int(n):,}"
        groups = (str(counts.get(group, 0)) for group in (TAUGHT, PARTLY, UNTAUGHT))
        held = f"{own['taught'].sum():,} of {own['facts'].sum():,}"
        rows.append([label, source, *groups, held, DASH if share != share else percent(share, 1)])
    headings = ["Questions", "Answers of", "Taught", "Partly", "Untaught", "Facts", "Share"]
    note = (
        "A fact is taught if one of its accepted wordings stands in a training answer. No training can earn what it "
        "does not teach."
    )
    numeric = [False, False, True, True, True, True, True]
    return TextTable("What the training answers teach of the test set", note, headings, rows, numeric, "No questions.")
