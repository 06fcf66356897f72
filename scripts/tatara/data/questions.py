"""The questions that a model is asked, and the facts that an answer needs."""

from collections import Counter, defaultdict
from pathlib import Path

from tatara.files.jsonl import read_jsonl
from tatara.files.normalise import squeeze
from tatara.job.errors import InputError

ALL = "all"


def with_reference(rows: list[dict]) -> list[dict]:
    """Return the questions that have a reference answer, whose likelihood can be measured."""
    return [row for row in rows if row["reference"]]


def has_fact(text: str, wordings: list[str]) -> bool:
    """Return whether a text holds one of a fact's accepted wordings, in NFKC and without spaces."""
    squeezed = squeeze(text)
    return any(squeeze(wording) in squeezed for wording in wordings)


def select(rows: list[dict], label: str) -> list[dict]:
    """Return the questions of a label, or with `all` every one.

    Raises:
        InputError: no question has the label.
    """
    chosen = [row for row in rows if label in (ALL, row["label"])]
    if not chosen:
        counts = Counter(row["label"] for row in rows)
        known = ", ".join(f"{name} ({count})" for name, count in counts.items())
        raise InputError(
            f"config key testset.label: no question is labelled {label!r}; the test set has {known}, and `{ALL}` "
            "takes every one"
        )
    return chosen


def evaluated(path: Path | str, label: str, limit: int | None) -> list[dict]:
    """Return the questions to evaluate: those with the label, or `limit` of them, taken from the categories in turn.

    Raises:
        InputError: no question has the label.
    """
    return spread(select(read_jsonl(path), label), limit)


def asked(row: dict) -> str:
    """Return what a model reads of a question: the prompt that was composed for it, or else the question itself."""
    return row.get("prompt", row["question"])


def with_prompts(rows: list[dict], path: Path | str | None) -> list[dict]:
    """Return questions with the prompts that were composed for them; as they are where no file is named.

    Args:
        path: testset/at_hand.jsonl.

    Raises:
        InputError: a question has no prompt there.
    """
    if path is None:
        return rows
    prompts = {row["id"]: row["prompt"] for row in read_jsonl(path)}
    missing = [row["id"] for row in rows if row["id"] not in prompts]
    if missing:
        raise InputError(f"{path}: no prompt for the question {missing[0]}; delete the file and run again")
    return [row | {"prompt": prompts[row["id"]]} for row in rows]


def spread(rows: list[dict], limit: int | None) -> list[dict]:
    """Return all questions, or `limit` of them, taken from the categories in turn."""
    if limit is None or limit >= len(rows):
        return rows
    turns = defaultdict(int)
    ranked = []
    for index, row in enumerate(rows):
        ranked.append((turns[row["category"]], index))
        turns[row["category"]] += 1
    return [rows[index] for index in sorted(index for _, index in sorted(ranked)[:limit])]
