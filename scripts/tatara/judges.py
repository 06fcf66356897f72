"""Scores 0 to 3 for answers (paper §3.2). Needs no torch.

The rubric judge is deterministic: it looks for the required facts of a question and for one of its citations in the answer.
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tatara.jsonl import read_jsonl
from tatara.testset import has_fact
from tatara.text import squeeze

COLUMNS = ("id", "question", "category", "score", "reason", "judge", "repeat", "valid", "seconds", "characters", "prompt_digest")


@dataclass(frozen=True)
class Verdict:
    """A score of 0 to 3 and the reason for it."""

    score: int
    reason: str


def cites(answer: str, citation: dict) -> bool:
    """Return whether an answer names a place: its volume, and its chapter (number or name) or section (name)."""
    text = squeeze(answer)
    if squeeze(citation["volume"]) not in text:
        return False
    number, _, name = citation["chapter"].partition(" ")
    section = citation.get("section", "").partition(" ")[2]
    return any(part and squeeze(part) in text for part in (number, name, section))


def rubric(answer: str, facts: list[list[str]], citations: list[dict]) -> Verdict:
    """Score an answer: 3 all facts and a citation, 2 all facts, 1 some of them, 0 none.

    Args:
        facts: required facts, each a list of accepted wordings; matched after NFKC and without white space.
        citations: places that count, `volume`, `chapter`, `section`.
    """
    if not squeeze(answer):
        return Verdict(0, "no answer")
    missing = [wordings[0] for wordings in facts if not has_fact(answer, wordings)]
    found = len(facts) - len(missing)
    if not found:
        return Verdict(0, f"none of {len(facts)} required facts")
    if missing:
        return Verdict(1, f"{found} of {len(facts)} required facts; missing: {', '.join(missing)}")
    cited = next((citation for citation in citations if cites(answer, citation)), None)
    if cited is None:
        wanted = " ".join(part for part in (citations[0]["volume"], citations[0]["chapter"], citations[0].get("section", "")) if part)
        return Verdict(2, f"all {len(facts)} required facts; no citation such as {wanted}")
    return Verdict(3, f"all {len(facts)} required facts; cites {cited['volume']} {cited['chapter']}")


def judge(*, rows: list[dict], answers: Path, times: Path, output: Path) -> None:
    """Score the answers of one model and format with the rubric and write the judge file (docs/files.md).

    Args:
        rows: questions of the test set with facts and citations.
        answers, times: what `engines.answer_all` wrote.
    """
    with times.open(encoding="utf-8", newline="") as file:
        seconds = {row["id"]: row["seconds"] for row in csv.DictReader(file)}
    given = {row["id"]: row["answer"] for row in read_jsonl(answers)}
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            answer = given[row["id"]]
            verdict = rubric(answer, row["facts"], row["citations"])
            criteria = json.dumps([row["facts"], row["citations"]], ensure_ascii=False, sort_keys=True)
            writer.writerow({
                "id": row["id"], "question": row["question"], "category": row["category"], "score": verdict.score, "reason": verdict.reason,
                "judge": "rubric", "repeat": 1, "valid": True, "seconds": seconds[row["id"]], "characters": len(answer),
                "prompt_digest": hashlib.sha256(criteria.encode()).hexdigest()[:16],
            })  # fmt: skip
