"""The judge file: what is judged, and the scores of all judges."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tatara.files.jsonl import read_jsonl
from tatara.files.text import read_text, write_csv, write_text
from tatara.job.errors import InputError

COLUMNS = (
    "id",
    "question",
    "category",
    "score",
    "reason",
    "judge",
    "repeat",
    "valid",
    "seconds",
    "characters",
    "prompt_digest",
)


@dataclass(frozen=True)
class Verdict:
    """A score of 0 to 3 and the reason for it."""

    score: int
    reason: str


class Score(NamedTuple):
    """One line of a judge file.

    Attributes:
        judged: what `judged_answers` returns of a question.
        repeat: from 1.
        score: 0 to 3, None where the judge's output was no score.
        prompt_digest: of all that decides the score beside the answer.
    """

    judged: dict
    repeat: int
    score: int | None
    reason: str
    prompt_digest: str


def judged_answers(rows: list[dict], answers: Path, times: Path) -> dict[str, dict]:
    """Return what is judged, by question id: id, question, category, answer, seconds.

    Args:
        rows: questions of the test set.
        answers, times: the files of one model and format (docs/files.md).

    Raises:
        InputError: a question without an answer or a time.
    """
    with times.open(encoding="utf-8", newline="") as file:
        seconds = {row["id"]: row["seconds"] for row in csv.DictReader(file)}
    texts = {row["id"]: row["answer"] for row in read_jsonl(answers)}
    judged = {}
    for row in rows:
        id_ = row["id"]
        for path, values in ((answers, texts), (times, seconds)):
            if id_ not in values:
                raise InputError(f"{path}: nothing for the question {id_}; delete the file and run again")
        question = {key: row[key] for key in ("id", "question", "category")}
        judged[id_] = question | {"answer": texts[id_], "seconds": seconds[id_]}
    return judged


def write_scores(output: Path, judge: str, scores: list[Score]) -> None:
    """Write the scores of one judge (docs/files.md)."""
    lines = []
    for judged, repeat, score, reason, prompt_digest in scores:
        question = [judged[key] for key in ("id", "question", "category")]
        answer = [judged["seconds"], len(judged["answer"])]
        valid = score is not None
        lines.append([*question, score if valid else "", reason, judge, repeat, valid, *answer, prompt_digest])
    write_csv(output, list(COLUMNS), lines)


def combine(files: list[Path], output: Path) -> None:
    """Write the scores of several judges into one file, in this order; the first is the one that tables show."""
    headers, lines = zip(*(read_text(file).split("\n", 1) for file in files), strict=True)
    write_text(output, f"{headers[0]}\n{''.join(lines)}")
