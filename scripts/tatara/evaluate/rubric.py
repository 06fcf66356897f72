"""The rubric judge (paper §3.2): looks for a question's required facts and for one of its citations in the answer.

It is deterministic and needs no torch.
"""

import hashlib
import json
from pathlib import Path

from tatara.data.questions import has_fact
from tatara.evaluate.judge_file import Score, Verdict, judged_answers, write_scores
from tatara.files.normalise import squeeze


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
    present = len(facts) - len(missing)
    if not present:
        return Verdict(0, f"none of {len(facts)} required facts")
    if missing:
        return Verdict(1, f"{present} of {len(facts)} required facts; missing: {', '.join(missing)}")
    cited = next((citation for citation in citations if cites(answer, citation)), None)
    if cited is None:
        first = citations[0]
        place = " ".join(part for part in (first["volume"], first["chapter"], first.get("section", "")) if part)
        return Verdict(2, f"all {len(facts)} required facts; no citation such as {place}")
    return Verdict(3, f"all {len(facts)} required facts; cites {cited['volume']} {cited['chapter']}")


def judge_rubric(*, name: str, rows: list[dict], answers: Path, times: Path, output: Path) -> None:
    """Score the answers of one model and format with the rubric and write the judge file (docs/files.md).

    Args:
        name: of the judge, as in the config.
        rows: questions of the test set with facts and citations.
        answers, times: the files of one model and format (docs/files.md).
    """
    judged = judged_answers(rows, answers, times)
    scores = []
    for row in rows:
        verdict = rubric(judged[row["id"]]["answer"], row["facts"], row["citations"])
        # The rubric has no prompt: what decides a score beside the answer are facts and citations.
        criteria = json.dumps([row["facts"], row["citations"]], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(criteria.encode()).hexdigest()[:16]
        scores.append(Score(judged[row["id"]], 1, verdict.score, verdict.reason, digest))
    write_scores(output, name, scores)
