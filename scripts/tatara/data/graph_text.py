"""The domain's own text, of the graph or of pairs: what a stand-in is pretrained on, and Japanese to compare tokenizers
by.
"""

import csv
from pathlib import Path

from tatara.files.jsonl import read_fields


def _rows(path: Path | str) -> list[dict]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_descriptions(nodes: Path | str) -> list[str]:
    """Return the descriptions of a canonical nodes.csv."""
    return [row["description"] for row in _rows(nodes)]


def read_texts(nodes: Path | str, relations: Path | str, pairs: Path | str | None = None) -> list[str]:
    """Return one text a node (number, name, description) and one a relation with a reason (reason, evidence).

    Args:
        pairs: qa/qa_pairs.jsonl of a study without a graph: one text a pair, its answer.
    """
    named = [f"{row['number']} {row['name']}".strip() + f"。{row['description']}" for row in _rows(nodes)]
    reasons = [
        row["reason"]
        + (f"（{row['volume']} {row['chapter']} {row['section']}".rstrip() + "）" if row["volume"] else "")
        for row in _rows(relations)
        if row["reason"]
    ]
    return named + reasons + ([row["answer"] for row in read_fields(pairs, ("answer",))] if pairs else [])
