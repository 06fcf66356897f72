"""Answers to the test questions: kept as they come, taken up after a kill, written once all are there (paper §3.2).

What generates them stands in a module for each engine (answers_gguf, answers_nf4, answers_ollama), so that an edit to
one engine makes no other answer again.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tatara.files.jsonl import write_jsonl
from tatara.files.text import write_csv
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows

logger = logging.getLogger("tatara")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        text: without special tokens.
        tokens: how many were generated, the end of the turn among them.
        stop: `eos` where the model ended its turn, `length` where the answer was cut at the limit.
        seconds: that it took; None for an answer of a batch, which has no time of its own.
    """

    text: str
    tokens: int
    stop: str
    seconds: float | None = None


class Timing(NamedTuple):
    """What the file of times says of a question.

    Attributes:
        seconds: of the answer that was given by itself, None where there is none.
        tokens: of that answer, or else of the one in the batch.
        differs_at: the first token in which the answer in the batch is another one, None where it is the same.
    """

    seconds: float | None
    tokens: int
    differs_at: int | None = None


@dataclass(frozen=True)
class AnswerFiles:
    """The files of one model and format (docs/files.md).

    Attributes:
        answers: JSONL to write; what a seed decides.
        times: CSV to write: seconds and tokens of each answer that was given by itself.
        finished: keeps finished answers until all are there, so that a killed run goes on where it stopped.
    """

    answers: Path
    times: Path
    finished: Path


def open_finished(path: Path, mark: str, count: int) -> FinishedRows:
    """Return the answers of an interrupted run, to add to; those of another mark are dropped.

    Args:
        mark: digest of all that decides the answers.
        count: how many answers are wanted, for the log.
    """
    finished = FinishedRows(path, mark)
    if finished.rows:
        logger.info("%d of %d answers are there from an interrupted run", min(len(finished.rows), count), count)
    return finished


def keep_answers(
    ask_all: Callable[[list[dict]], Iterator[tuple[dict, Answer]]],
    *,
    rows: list[dict],
    prompt_tokens: dict[str, int],
    what: str,
    mark: str,
    files: AnswerFiles,
) -> None:
    """Ask the questions that have no answer yet, keep each answer as it comes, and write all of them at the end.

    Args:
        ask_all: takes open questions and yields each with its answer, in any order; every answer has its seconds.
        rows: questions of the test set.
        prompt_tokens: question id -> tokens of its prompt.
        what: names the work in the log.
        mark: digest of all that decides the answers.
    """
    with open_finished(files.finished, mark, len(rows)) as finished:
        missing = [row for row in rows if row["id"] not in finished.rows]
        answered = ask_all(missing)
        for _ in Progress(missing, what, done=len(finished.rows)):
            row, answer = next(answered)
            finished.add({"id": row["id"], **asdict(answer)})
    fields = ("text", "tokens", "stop", "seconds")
    answers = {id_: Answer(**{field: kept[field] for field in fields}) for id_, kept in finished.rows.items()}
    times = {id_: Timing(answer.seconds, answer.tokens) for id_, answer in answers.items()}
    write_answers(rows, answers, times, prompt_tokens, files)
    finished.remove()


def write_answers(
    rows: list[dict],
    answers: dict[str, Answer],
    times: dict[str, Timing],
    prompt_tokens: dict[str, int],
    files: AnswerFiles,
) -> None:
    """Write answers, and times with the tokens of the prompts, all by question id, in the order of the questions."""
    lines = []
    for row in rows:
        answer = answers[row["id"]]
        question = {key: row[key] for key in ("id", "category", "question")}
        lines.append(question | {"answer": answer.text, "tokens": answer.tokens, "stop": answer.stop})
    write_jsonl(files.answers, lines)
    table = []
    for row in rows:
        seconds, tokens, differs_at = times[row["id"]]
        read = prompt_tokens[row["id"]]
        table.append([row["id"], "" if seconds is None else f"{seconds:.4f}", tokens, differs_at, read])
    write_csv(files.times, ["id", "seconds", "tokens", "differs_at", "prompt_tokens"], table)
