"""The rubric judge, and the judge file (paper §3.2). Needs no torch.

The rubric judge is deterministic: it looks for the required facts of a question and for one of its citations in the answer.
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tatara.errors import InputError
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


def judge_rows(rows: list[dict], answers: Path, times: Path) -> dict[str, dict]:
    """Return, by question id, what is judged and what the judge file repeats of it: id, question, category, answer, seconds.

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
    return {row["id"]: {**{key: row[key] for key in keys}, "answer": given[row["id"]], "seconds": seconds[row["id"]]} for row in rows}


def write_scores(output: Path, judge: str, found: list[tuple[dict, int, int | None, str, str]]) -> None:
    """Write a judge file.

    Args:
        found: what `judge_rows` says of a question, repeat (from 1), score (None: invalid), reason, digest of the prompt.
    """
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for given, repeat, score, reason, digest in found:
            writer.writerow({
                "id": given["id"], "question": given["question"], "category": given["category"], "score": "" if score is None else score,
                "reason": reason, "judge": judge, "repeat": repeat, "valid": score is not None, "seconds": given["seconds"],
                "characters": len(given["answer"]), "prompt_digest": digest,
            })  # fmt: skip


def judge_rubric(*, name: str, rows: list[dict], answers: Path, times: Path, output: Path) -> None:
    """Score the answers of one model and format with the rubric and write the judge file (docs/files.md).

    Args:
        name: of the judge, as in the config.
        rows: questions of the test set with facts and citations.
        answers, times: what `engines.answer_all` wrote.
    """
    given = judge_rows(rows, answers, times)
    found = []
    for row in rows:
        verdict = rubric(given[row["id"]]["answer"], row["facts"], row["citations"])
        # The rubric has no prompt: what decides a score beside the answer are facts and citations.
        criteria = json.dumps([row["facts"], row["citations"]], ensure_ascii=False, sort_keys=True)
        found.append((given[row["id"]], 1, verdict.score, verdict.reason, hashlib.sha256(criteria.encode()).hexdigest()[:16]))
    write_scores(output, name, found)


def combine(parts: list[Path], output: Path) -> None:
    """Write the scores of several judges into one file, in the order given; the first is the one that tables show."""
    lines = [Path(part).read_text(encoding="utf-8").split("\n", 1) for part in parts]
    output.write_text("\n".join([lines[0][0], "".join(rest for _, rest in lines)]), encoding="utf-8")
