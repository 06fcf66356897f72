"""What the tasks of this folder need besides their YAML: their rows, fact recall, and likelihood per byte.

It imports nothing but the standard library and `datasets`, which lm-evaluation-harness brings; written by
`make export-eval`.
"""

import json
import unicodedata
from pathlib import Path

import datasets

FOLDER = Path(__file__).resolve().parent


def rows(
    file: str, kind: str | None = None, taught: bool | None = None, answered: bool = False, **_
) -> dict[str, datasets.Dataset]:
    """Return the rows of a JSONL file beside this one, in its order, as the split `test`.

    Args:
        kind: of the probe's items, those of this kind alone; taught: those that training may know, or may not, alone.
        answered: of the test set's questions, those with a reference answer alone.
    """
    content = [json.loads(line) for line in (FOLDER / file).read_text(encoding="utf-8").split("\n") if line]
    chosen = [row for row in content if kind in (None, row.get("kind")) and taught in (None, row.get("taught"))]
    chosen = [row for row in chosen if row["reference"]] if answered else chosen
    return {"test": datasets.Dataset.from_list(chosen)}


def squeeze(text: str) -> str:
    """Return the text in NFKC without spaces and control characters (Unicode categories Z and C)."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] not in "ZC")


def fact_recall(doc: dict, results: list[str]) -> dict[str, tuple[int, int]]:
    """Return how many of a question's required facts its answer holds, and how many there are.

    An answer holds a fact if one of the fact's accepted wordings stands in it, both in the form of `squeeze`.
    """
    answer = squeeze(results[0])
    held = sum(any(squeeze(wording) in answer for wording in wordings) for wordings in doc["facts"])
    return {"fact_recall": (held, len(doc["facts"]))}


def share(pairs: list[tuple[int, int]]) -> float:
    """Return the share of all facts that is held: each fact counts once, not each question."""
    return sum(held for held, _ in pairs) / (sum(facts for _, facts in pairs) or float("nan"))


def per_byte(doc: dict, results: list[tuple[float, bool]]) -> dict[str, tuple[float, int]]:
    """Return a reference answer's log-likelihood in nats and its UTF-8 bytes, for perplexity and bits per byte."""
    measured = (results[0][0], len(doc["reference"].encode()))
    return {"byte_perplexity": measured, "bits_per_byte": measured}
