"""Tables of the data, for the pages: relation types, lengths and categories, variety, overlap with the test set."""

from collections import Counter
from pathlib import Path

import pandas

from tatara.data.schema import Schema, read_schema
from tatara.files.jsonl import read_fields
from tatara.report.numbers import DASH, number
from tatara.report.text_table import TextTable

NEAREST = 10
SHARES = {"relation_share": "Share of each {} (%)", "category_share": "Share of each category (%)"}
LENGTHS = {
    "answer_chars_mean": "Answer, mean",
    "answer_chars_sd": "Answer, SD",
    "question_chars_mean": "Question, mean",
}


def _stratum(schema: Schema) -> str:
    """Return what subsets are stratified by: relation types, or in a study without a graph the strata of its pairs."""
    return "relation type" if schema.relations else "stratum"


def shares_table(pairs: Path | str, pool: Path | str, schema: Path | str) -> TextTable:
    """Return counts and shares of each relation type before and after undersampling.

    Args:
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        schema: schema.yaml, for display names.
    """
    before, after = (
        Counter(row["relation_type"] for row in read_fields(path, ("relation_type",))) for path in (pairs, pool)
    )
    vocabulary = read_schema(schema)
    names, what = {type_: relation.name for type_, relation in vocabulary.relations.items()}, _stratum(vocabulary)
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
        f"After undersampling {type_} has {after[type_]:,} of {after.total():,} pairs, "
        f"{100 * after[type_] / after.total():.1f} %. Divided by the {before.total():,} pairs of before it would seem "
        f"{100 * after[type_] / before.total():.1f} %, which is how the paper counts; but the whole has shrunk too."
        for type_, count in before.items()
        if after[type_] < count
    )
    headings = [what.capitalize(), "Pairs before", "% before", "Pairs after", "% after"]
    plural = "Relation types" if vocabulary.relations else "Strata"
    title, numeric = f"{plural} before and after undersampling", [False, True, True, True, True]
    return TextTable(title, note, headings, rows, numeric, "No pairs.")


def diversity_table(path: Path | str) -> TextTable:
    """Return diversity.csv as it is read."""
    rows = [
        [
            line.version,
            line.part,
            f"{line.pairs:,}",
            number(line.distinct_2, 4),
            number(line.self_bleu, 3),
            f"{line.sample:,}",
        ]
        for line in pandas.read_csv(path).itertuples()
    ]
    note = (
        "Over characters. Distinct-2: different bigrams over all bigrams; it falls as texts are added, so compare "
        "versions of like size. Self-BLEU: mean BLEU-4 of each text of a seeded sample against the others; 1 would be "
        "the same text every time. Lower is more varied."
    )
    headings = ["Version", "Part", "Pairs", "Distinct-2", "Self-BLEU", "Sample"]
    numeric = [False, False, True, True, True, True]
    return TextTable("How varied the pairs are", note, headings, rows, numeric, "No pairs.")


def nearest_table(overlap: dict) -> TextTable:
    """Return the test questions that come nearest to training, from overlap.json."""
    closest = sorted(overlap["questions"], key=lambda row: (-row["containment"], row["id"]))[:NEAREST]
    rows = [[row["id"], number(row["containment"], 3), row["nearest_question"] or DASH] for row in closest]
    note = (
        f"No test question has the normalised form of a training question; the build stops above "
        f"{overlap['threshold']:g}."
    )
    headings = ["Question", "Share held", "Nearest training question"]
    title = f"The {len(rows)} test questions nearest to training"
    return TextTable(title, note, headings, rows, [False, True, False], "No questions.")


def quality_tables(quality: Path | str, schema: Schema) -> list[TextTable]:
    """Return quality.csv as tables of shares and of lengths, one column a size."""
    rows = pandas.read_csv(quality, keep_default_na=False)
    names = {type_: f"{relation.name} {type_}" for type_, relation in schema.relations.items()}

    def by_size(title: str, first: str, table: pandas.DataFrame, labels: list[str]) -> TextTable:
        cells = [
            [label, *(number(value, 1) for value in line)] for label, line in zip(labels, table.to_numpy(), strict=True)
        ]
        headings = [first, *(f"n\u00a0=\u00a0{n:,}" for n in table.columns)]
        return TextTable(title, "", headings, cells, [False] + [True] * len(table.columns), "")

    tables = []
    for metric, title in SHARES.items():
        shares = 100 * rows[rows["metric"] == metric].pivot(index="key", columns="n", values="value").fillna(0.0)
        shares = shares.sort_values(shares.columns.max(), ascending=False, kind="stable")
        first = _stratum(schema).capitalize() if metric == "relation_share" else "Category"
        tables.append(
            by_size(title.format(first.lower()), first, shares, [names.get(key, key) for key in shares.index])
        )
    lengths = rows[rows["metric"].isin(LENGTHS)].pivot(index="metric", columns="n", values="value")
    return [*tables, by_size("Length (characters)", "Characters", lengths.loc[list(LENGTHS)], list(LENGTHS.values()))]
