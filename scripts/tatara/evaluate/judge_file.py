"""The judge file: what is judged, and the scores of all judges."""

import csv
from dataclasses import dataclass
from pathlib import Path

from tatara.files.jsonl import read_jsonl
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


def judge_rows(rows: list[dict], answers: Path, times: Path) -> dict[str, dict]:
    """Return, by question id, what is judged and what the judge file repeats of it: id, question, category, answer,
    seconds.

    Raises:
        InputError: a question without an answer or a time.
    """
    with times.open(encoding="utf-8", newline="") as file:
        seconds = {row["id"]: row["seconds"] for row in csv.DictReader(file)}
    given = {row["id"]: row["answer"] for row in read_jsonl(answers)}
    for row in rows:
        for path, found in ((answers, given), (times, seconds)):
            if row["id"] not in found:
                raise InputError(f"{path}: nothing for the question {row['id']}; delete the file and run again")
    keys = ("id", "question", "category")
    return {
        row["id"]: {**{key: row[key] for key in keys}, "answer": given[row["id"]], "seconds": seconds[row["id"]]}
        for row in rows
    }


def write_scores(output: Path, judge: str, found: list[tuple[dict, int, int | None, str, str]]) -> None:
    """Write a judge file.

    Args:
        found: what `judge_rows` says of a question, repeat (from 1), score (None: invalid), reason, digest of the
            prompt.
    """
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for given, repeat, score, reason, digest in found:
            writer.writerow(
                {
                    "id": given["id"],
                    "question": given["question"],
                    "category": given["category"],
                    "score": "" if score is None else score,
                    "reason": reason,
                    "judge": judge,
                    "repeat": repeat,
                    "valid": score is not None,
                    "seconds": given["seconds"],
                    "characters": len(given["answer"]),
                    "prompt_digest": digest,
                }
            )


def combine(parts: list[Path], output: Path) -> None:
    """Write the scores of several judges into one file, in the order given; the first is the one that tables show."""
    lines = [Path(part).read_text(encoding="utf-8").split("\n", 1) for part in parts]
    output.write_text("\n".join([lines[0][0], "".join(rest for _, rest in lines)]), encoding="utf-8")
