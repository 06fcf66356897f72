"""results/data.html: the data itself, to be looked at before anything is trained."""

from collections import Counter
from pathlib import Path

import pandas

from tatara.data.schema import read_schema
from tatara.files.jsonl import read_fields
from tatara.measure.results import read_json
from tatara.report.page import inline_figures, write_page
from tatara.report.table_text import Shown, number

NEAREST = 10


def shares_table(pairs: Path | str, pool: Path | str, schema: Path | str) -> Shown:
    """Return counts and shares of each relation type before and after undersampling.

    Args:
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        schema: schema.yaml, for display names.
    """
    before, after = (
        Counter(row["relation_type"] for row in read_fields(path, ("relation_type",))) for path in (pairs, pool)
    )
    names = {type_: relation.name for type_, relation in read_schema(schema).relations.items()}
    rows = [
        [
            f"{names.get(type_, '')} {type_}".strip(),
            f"{count:,}",
            number(100 * count / before.total(), 1),
            f"{after[type_]:,}",
            number(100 * after[type_] / after.total(), 1),
        ]
        for type_, count in before.most_common()
    ]
    rows.append(["All", f"{before.total():,}", "100.0", f"{after.total():,}", "100.0"])
    note = " ".join(
        f"After undersampling {type_} has {after[type_]:,} of {after.total():,} pairs, {100 * after[type_] / after.total():.1f} "
        "%. Divided by the "
        f"{before.total():,} pairs of before it would seem {100 * after[type_] / before.total():.1f} %, which is how "
        "the paper counts; but the whole has shrunk too."
        for type_, count in before.items()
        if after[type_] < count
    )
    headings = ["Relation type", "Pairs before", "% before", "Pairs after", "% after"]
    return Shown(
        "Relation types before and after undersampling",
        note,
        headings,
        rows,
        [False, True, True, True, True],
        "No pairs.",
    )


def diversity_table(path: Path | str) -> Shown:
    """Return diversity.csv as it is read."""
    frame = pandas.read_csv(path)
    rows = [
        [
            line.version,
            line.part,
            f"{line.pairs:,}",
            number(line.distinct_2, 4),
            number(line.self_bleu, 3),
            f"{line.sample:,}",
        ]
        for line in frame.itertuples()
    ]
    note = (
        "Over characters. Distinct-2: different bigrams over all bigrams; it falls as texts are added, so compare "
        "versions of like size. "
        "Self-BLEU: mean BLEU-4 of each text of a seeded sample against the others; 1 would be the same text every "
        "time. Lower is more varied."
    )
    return Shown(
        "How varied the pairs are",
        note,
        ["Version", "Part", "Pairs", "Distinct-2", "Self-BLEU", "Sample"],
        rows,
        [False, False, True, True, True, True],
        "No pairs.",
    )


def nearest_table(overlap: dict) -> Shown:
    """Return the test questions that come nearest to training."""
    closest = sorted(overlap["questions"], key=lambda row: (-row["containment"], row["id"]))[:NEAREST]
    rows = [[row["id"], number(row["containment"], 3), row["nearest_question"] or "—"] for row in closest]
    note = f"No test question has the normalised form of a training question; the build stops above {overlap['threshold']:g}."
    return Shown(
        f"The {len(rows)} test questions nearest to training",
        note,
        ["Question", "Share held", "Nearest training question"],
        rows,
        [False, True, False],
        "No questions.",
    )


def write_data_page(
    *,
    output: Path | str,
    title: str,
    notice: str,
    figures: list[str],
    captions: list[str],
    pairs: Path | str,
    pool: Path | str,
    diversity: Path | str,
    overlap: Path | str,
    nodes: Path | str,
    relations: Path | str,
    schema: Path | str,
) -> None:
    """Write the page.

    Args:
        title, notice: of the study.
        figures: data01_….svg … data05_….svg; captions: report/{key}.rst of each.
        pairs, pool, diversity: qa/qa_pairs.jsonl, qa/pool.jsonl, qa/diversity.csv.
        overlap: testset/overlap.json.
        nodes, relations: graph/nodes.csv, graph/relations.csv.
        schema: schema.yaml, for display names.
    """
    write_page(
        "data.html",
        output,
        title=f"{title} — data",
        notice=notice,
        figures=inline_figures(figures, captions, "Data figure"),
        shares=shares_table(pairs, pool, schema),
        diversity=diversity_table(diversity),
        nearest=nearest_table(read_json(overlap)),
        nodes=len(pandas.read_csv(nodes, dtype=str)),
        relations=len(pandas.read_csv(relations, dtype=str)),
    )
