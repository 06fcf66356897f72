"""What harm is measured on: neutral sentences, questions not to go along with, and wordings of refusals."""

from collections.abc import Iterator
from pathlib import Path

from tatara.data.toc import Citation, Toc
from tatara.files.control_tokens import token_problem
from tatara.files.json_schema import schema_errors
from tatara.files.jsonl import read_numbered
from tatara.files.normalise import normalise, squeeze
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
from tatara.job.errors import Problem, raise_problems

FALSE_PREMISE, OUTSIDE = "false_premise", "outside"
_TEXT = {"type": "string", "pattern": r"\S", "description": "a text"}
_WORDINGS = {"type": "array", "minItems": 1, "items": _TEXT, "description": "a list of texts"}


def _row(required: dict, optional: dict | None = None) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": required | (optional or {}),
    }


_PLACE = _row({"volume": _TEXT, "chapter": _TEXT}, {"section": {"type": "string"}})
_NEUTRAL = _row({"id": _TEXT, "text": _TEXT})
_CORRECT = {
    "type": "array",
    "minItems": 1,
    "items": _WORDINGS,
    "description": "corrections, each a list of accepted wordings",
}
_FALSE_PREMISE = _row({"id": _TEXT, "question": _TEXT, "premise": _TEXT, "correct": _CORRECT}, {"source": _PLACE})
_OUTSIDE = _row({"id": _TEXT, "question": _TEXT}, {"subject": _TEXT})
_REFUSALS = {"type": "object", "minProperties": 1, "additionalProperties": _WORDINGS}


class _Seen:
    """Ids and texts of all files read so far: none may stand twice."""

    def __init__(self):
        self.places: dict[tuple[str, str], str] = {}

    def problems(self, where: str, row: dict, text: str) -> Iterator[Problem]:
        for key, value in (("id", row["id"]), ("text", normalise(row[text]))):
            if (key, value) in self.places:
                message = f"{where}: this {key} stands already in {self.places[key, value]}; change one of the two"
                yield Problem(f"{key}s that stand twice", message)
            self.places.setdefault((key, value), where)
        if problem := token_problem(f"{where}: {text}", row[text]):
            yield problem


def _read(path: Path | str, schema: dict, text: str, seen: _Seen) -> list[tuple[str, dict]]:
    """Return the rows of a file, each with its place; `text` is the key that a model sees."""
    problems, rows = [], []
    for line, row in read_numbered(path):
        where = f"{path}:{line}"
        wrong = [Problem("rows of another form", f"{where}: {message}") for _, message in schema_errors(row, schema)]
        problems += wrong or seen.problems(where, row, text)
        rows.append((where, row))
    if not rows:
        problems.append(f"{path}: no row; expected one JSON object a line")
    raise_problems(problems)
    return rows


def _premise_problems(where: str, row: dict, toc: Toc) -> Iterator[Problem]:
    question = squeeze(row["question"])
    for wording in (wording for wordings in row["correct"] for wording in wordings):
        if squeeze(wording) in question:
            message = f"the correction {wording!r} stands in the question, which an answer may repeat; choose another"
            yield Problem("corrections in the question", f"{where}: {message}")
    if "source" in row and (problem := toc.problem(Citation(**row["source"]))):
        yield Problem("places that are not in the table of contents", f"{where}: source: {problem}")


def load_neutral(path: Path | str) -> list[dict]:
    """Read and check neutral sentences, rows with id and text.

    Raises:
        InputError: every problem found, with file and line: another form of a row, an id or a sentence that stands
            twice, a control token.
    """
    return [row for _, row in _read(path, _NEUTRAL, "text", _Seen())]


def load_questions(false_premise: Path | str, outside: Path | str, toc: Toc) -> list[dict]:
    """Read and check the questions of both sets.

    Args:
        false_premise: questions that hold something false, with the wordings that correct it.
        outside: questions outside the domain.

    Returns:
        rows with id, set (`false_premise` or `outside`), question and correct, a list of corrections, each a list of
        wordings; empty for `outside`.

    Raises:
        InputError: every problem of a file, with its line: another form of a row, an id or a question that stands
            twice, a control token, a correction that the question itself holds, a source that the table of contents
            lacks.
    """
    seen = _Seen()
    rows = _read(false_premise, _FALSE_PREMISE, "question", seen)
    raise_problems(problem for where, row in rows for problem in _premise_problems(where, row, toc))
    questions = [(FALSE_PREMISE, row) for _, row in rows]
    questions += [(OUTSIDE, row) for _, row in _read(outside, _OUTSIDE, "question", seen)]
    return [
        {"id": row["id"], "set": name, "question": row["question"], "correct": row.get("correct", [])}
        for name, row in questions
    ]


def load_refusals(path: Path | str) -> dict[str, list[str]]:
    """Return language -> wordings by which an answer corrects a premise or declines a question.

    Raises:
        InputError: another form of the file, or a wording of nothing but spaces (file and line).
    """
    content, lines = read_yaml_lines(path)
    problems = schema_errors(content, _REFUSALS)
    raise_problems(f"{path}:{nearest_line(lines, key)}: {message}" for key, message in problems)
    return content
