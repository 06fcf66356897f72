"""Scores by a language model that is held to a JSON schema (paper §3.2): prompt, what counts as a score, repeats.

The models behind it stand in judge_llama_cpp and judge_server.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

from tatara.evaluate.judge_file import Score, Verdict, judged_answers, write_scores
from tatara.files.control_tokens import as_plain_text
from tatara.files.prompts import fill_prompt
from tatara.files.text import read_text
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows

logger = logging.getLogger("tatara")
SCORES = (0, 1, 2, 3)
SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 200}, "score": {"type": "integer", "enum": list(SCORES)}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}
# A model that answered badly answers the same again at temperature 0: further tries draw at this one, with another
# seed.
RETRY_TEMPERATURE = 0.5
Complete = Callable[[str, int, float], str]  # prompt, seed, temperature -> what the model wrote


def render(template: str, where: Path | str, row: dict, answer: str, reference: bool) -> str:
    """Return the prompt of one answer; a control token that the answer spells is plain text in it.

    Raises:
        InputError: the prompt file is no Jinja template, cannot be filled in, names something else than question,
            reference and answer, or leaves one out.
    """
    values = {
        "question": row["question"],
        "reference": row["reference"] if reference else "",
        "answer": as_plain_text(answer),
    }
    text = fill_prompt(template, where, values)
    for name in ("question", "answer"):
        if values[name].strip() and values[name].strip() not in text:
            raise InputError(f"{where}: the prompt does not show the {name}; write {{{{ {name} }}}} where it belongs")
    return text


def parse(text: str) -> Verdict | None:
    """Return score and reason of a judge's output.

    None where it is no score: no JSON, another number, a truth value, no reason.
    """
    try:
        output = json.loads(text)
        score, reason = output["score"], output["reason"]
    except (ValueError, TypeError, KeyError):
        return None
    if isinstance(score, bool) or score not in SCORES or not isinstance(reason, str):
        return None
    return Verdict(int(score), " ".join(reason.split()))


def score_once(
    complete: Complete, prompt: str, seed: int, temperature: float, attempts: int
) -> tuple[Verdict | None, str]:
    """Return the verdict and the last output; None after `attempts` outputs that are no score."""
    text = ""
    for attempt in range(attempts):
        drawn_at = temperature if attempt == 0 else max(temperature, RETRY_TEMPERATURE)
        text = complete(prompt, seed + attempt, drawn_at)
        if verdict := parse(text):
            return verdict, text
    return None, text


def _score_all(
    complete: Callable[[], Complete],
    prompts: dict[str, str],
    name: str,
    settings: dict,
    seed: int,
    finished: FinishedRows,
) -> list[tuple[str, int]]:
    """Ask for every score that is missing, keep each as it comes, and return (question id, repeat) of all of them.

    A row that is kept has the key `ID REPEAT`, the score (None where the output was no score), and the reason.
    """
    wanted = [(id_, repeat) for repeat in range(1, settings["repeats"] + 1) for id_ in prompts]
    missing = [(id_, repeat) for id_, repeat in wanted if f"{id_} {repeat}" not in finished.rows]
    if finished.rows:
        logger.info("%d of %d scores are there from an interrupted run", len(finished.rows), len(wanted))
    ask = complete() if missing else None
    attempts = settings["attempts"]
    for id_, repeat in Progress(missing, f"judge {name}", done=len(finished.rows)):
        # Tries of one repeat use seeds of their own, so that no two repeats draw the same numbers.
        first_seed = seed + (repeat - 1) * attempts
        verdict, text = score_once(ask, prompts[id_], first_seed, settings["temperature"], attempts)
        if verdict:
            score, reason = verdict.score, verdict.reason
        else:
            score, reason = None, f"not a score, {attempts} times; the last: {' '.join(text.split())[:200]}"
        finished.add({"key": f"{id_} {repeat}", "score": score, "reason": reason})
    return wanted


def judge_llm(
    *,
    name: str,
    settings: dict,
    complete: Callable[[], Complete],
    identity: dict,
    rows: list[dict],
    answers: Path,
    times: Path,
    prompt: Path,
    output: Path,
    finished: Path,
    seed: int,
) -> None:
    """Score the answers of one model and format with a language model and write the judge file (docs/files.md).

    Args:
        name, settings: of the judge, as in the config: `reference`, `repeats`, `temperature`, `attempts`.
        complete: loads the judge; called only where a score is missing.
        identity: what else decides the scores, such as the judge's digest.
        rows: questions of the test set.
        answers, times: the files of one model and format (docs/files.md).
        prompt: the prompt file.
        finished: keeps finished scores until all are there; a killed run goes on with the first that is missing.
    """
    template = read_text(prompt)
    judged = judged_answers(rows, answers, times)
    prompts = {
        row["id"]: render(template, prompt, row, judged[row["id"]]["answer"], settings["reference"]) for row in rows
    }
    mark = fingerprint([name, settings, identity, prompts, seed], [])
    with FinishedRows(finished, mark, key="key") as scored:
        wanted = _score_all(complete, prompts, name, settings, seed, scored)
    digests = {id_: hashlib.sha256(text.encode()).hexdigest()[:16] for id_, text in prompts.items()}
    scores = []
    for id_, repeat in wanted:
        row = scored.rows[f"{id_} {repeat}"]
        scores.append(Score(judged[id_], repeat, row["score"], row["reason"], digests[id_]))
    invalid = sum(score.score is None for score in scores)
    if invalid:
        logger.warning(
            "judge %s: %d of %d outputs were not a score and are recorded as invalid", name, invalid, len(scores)
        )
    write_scores(output, name, scores)
    scored.remove()
