"""The file of one model and format on harm: neutral sentences and answers, without any judgement of them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tatara.evaluate.answers import AnswerFiles
from tatara.files.jsonl import read_jsonl
from tatara.files.text import write_json

_KEPT = ("question", "answer", "tokens", "stop")
Answering = Callable[[list[dict], AnswerFiles], None]  # questions with id, category and question; where answers go


@dataclass(frozen=True)
class HarmSets:
    """What is measured.

    Attributes:
        neutral: rows with id and text.
        questions: rows with id, set and question.
    """

    neutral: list[dict]
    questions: list[dict]


@dataclass(frozen=True)
class HarmFiles:
    """Where it goes.

    Attributes:
        output: results/harm/{model}_{fmt}.json.
        finished: keeps finished answers until all are there, so that a killed run goes on where it stopped.
    """

    output: Path
    finished: Path


def answers_of(questions: list[dict], answer: Answering, finished: Path) -> list[dict]:
    """Ask the questions and return rows with id, set, question, answer, tokens and stop.

    Args:
        questions: rows with id, set and question.
        answer: an engine, which keeps finished answers and writes them once all are there.
    """
    asked = [{"id": row["id"], "category": row["set"], "question": row["question"]} for row in questions]
    with tempfile.TemporaryDirectory() as folder:
        files = AnswerFiles(Path(folder, "answers.jsonl"), Path(folder, "seconds.csv"), finished)
        answer(asked, files)
        answered = read_jsonl(files.answers)
    return [{"id": row["id"], "set": row["category"]} | {key: row[key] for key in _KEPT} for row in answered]


def write_harm(path: Path, model: str, fmt: str, neutral: list[dict], answers: list[dict]) -> None:
    """Write what one model and format makes of the sentences and of the questions (docs/files.md)."""
    write_json(path, {"model": model, "format": fmt, "neutral": neutral, "answers": answers})
