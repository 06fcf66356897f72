"""The graph's own text: what a stand-in is pretrained on, and Japanese to compare tokenizers by."""

import csv
from pathlib import Path


def _rows(path: Path | str) -> list[dict]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_descriptions(nodes: Path | str) -> list[str]:
    """Return the descriptions of a canonical nodes.csv."""
    return [row["description"] for row in _rows(nodes)]


def read_texts(nodes: Path | str, relations: Path | str) -> list[str]:
    """Return one text a node (number, name, description) and one a relation with a reason (reason, evidence)."""
    named = [f"{row['number']} {row['name']}".strip() + f"。{row['description']}" for row in _rows(nodes)]
    reasons = [
        row["reason"]
        + (f"（{row['volume']} {row['chapter']} {row['section']}".rstrip() + "）" if row["volume"] else "")
        for row in _rows(relations)
        if row["reason"]
    ]
    return named + reasons
