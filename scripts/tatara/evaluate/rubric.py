"""The rubric judge (paper §3.2): looks for a question's required facts and for one of its citations in the answer.

A question that requires no fact has no score by the rubric; one that names no place needs no citation.

It is deterministic and needs no torch.
"""

import hashlib
import json
from pathlib import Path

from tatara.data.questions import has_fact
from tatara.evaluate.judge_file import Score, Verdict, judged_answers, write_scores
from tatara.files.normalise import squeeze
from tatara.files.text import write_json
from tatara.job.errors import InputError


def cites(answer: str, citation: dict) -> bool:
    """Return whether an answer names a place: its volume, and its chapter (number or name) or section (name)."""
    text = squeeze(answer)
    if squeeze(citation["volume"]) not in text:
        return False
    number, _, name = citation["chapter"].partition(" ")
    section = citation.get("section", "").partition(" ")[2]
    return any(part and squeeze(part) in text for part in (number, name, section))


def rubric(answer: str, facts: list[list[str]], citations: list[dict]) -> Verdict:
    """Score an answer: 3 all facts and a citation where the question names places, 2 all facts, 1 some, 0 none.

    Args:
        facts: required facts, each a list of accepted wordings; matched after NFKC and without white space.
        citations: places that count, `volume`, `chapter`, `section`.
    """
    if not squeeze(answer):
        return Verdict(0, "no answer")
    missing = [wordings[0] for wordings in facts if not has_fact(answer, wordings)]
    present = len(facts) - len(missing)
    if not present:
        return Verdict(0, f"none of {len(facts)} required facts")
    if missing:
        return Verdict(1, f"{present} of {len(facts)} required facts; missing: {', '.join(missing)}")
    if not citations:
        return Verdict(3, f"all {len(facts)} required facts; the question names no place to cite")
    cited = next((citation for citation in citations if cites(answer, citation)), None)
    if cited is None:
        first = citations[0]
        place = " ".join(part for part in (first["volume"], first["chapter"], first.get("section", "")) if part)
        return Verdict(2, f"all {len(facts)} required facts; no citation such as {place}")
    return Verdict(3, f"all {len(facts)} required facts; cites {cited['volume']} {cited['chapter']}")


def write_identity(*, rows: list[dict], first: bool, output: Path) -> None:
    """Write how many of the questions the rubric can score: `{"questions", "scored"}`.

    Args:
        first: whether the rubric is the judge of the tables.

    Raises:
        InputError: it is, and questions require no fact.
    """
    scored = sum(bool(row["facts"]) for row in rows)
    if first and scored < len(rows):
        other = next(row["id"] for row in rows if not row["facts"])
        raise InputError(
            f"config key judge.judges: {len(rows) - scored} of {len(rows)} questions require no fact, such as {other}: "
            "the rubric cannot score them. Name a judge of the kind llama_cpp or ollama as the first, whose scores are "
            "those of the tables, or give these questions facts or keywords"
        )
    write_json(output, {"questions": len(rows), "scored": scored})


def judge_rubric(*, name: str, rows: list[dict], answers: Path, times: Path, output: Path) -> None:
    """Score the answers of one model and format with the rubric and write the judge file (docs/files.md).

    A question that requires no fact has no row in it.

    Args:
        name: of the judge, as in the config.
        rows: questions of the test set with facts and citations.
        answers, times: the files of one model and format (docs/files.md).
    """
    judged = judged_answers(rows, answers, times)
    scores = []
    for row in (row for row in rows if row["facts"]):
        verdict = rubric(judged[row["id"]]["answer"], row["facts"], row["citations"])
        # The rubric has no prompt: what decides a score beside the answer are facts and citations.
        criteria = json.dumps([row["facts"], row["citations"]], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(criteria.encode()).hexdigest()[:16]
        scores.append(Score(judged[row["id"]], 1, verdict.score, verdict.reason, digest))
    write_scores(output, name, scores)
