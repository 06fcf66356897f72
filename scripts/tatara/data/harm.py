"""What harm is measured on: neutral sentences, questions not to go along with, and wordings of refusals."""

from collections.abc import Iterator
from pathlib import Path

from tatara.data.text_rows import TEXT, Seen, read_text_rows, row_of
from tatara.data.toc import Citation, Toc
from tatara.files.json_schema import schema_errors
from tatara.files.normalise import squeeze
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
from tatara.job.errors import Problem, raise_problems

FALSE_PREMISE, OUTSIDE = "false_premise", "outside"
_WORDINGS = {"type": "array", "minItems": 1, "items": TEXT, "description": "a list of texts"}
_PLACE = row_of({"volume": TEXT, "chapter": TEXT}, {"section": {"type": "string"}})
_NEUTRAL = row_of({"id": TEXT, "text": TEXT})
_CORRECT = {
    "type": "array",
    "minItems": 1,
    "items": _WORDINGS,
    "description": "corrections, each a list of accepted wordings",
}
_FALSE_PREMISE = row_of({"id": TEXT, "question": TEXT, "premise": TEXT, "correct": _CORRECT}, {"source": _PLACE})
_OUTSIDE = row_of({"id": TEXT, "question": TEXT}, {"subject": TEXT})
_REFUSALS = {"type": "object", "minProperties": 1, "additionalProperties": _WORDINGS}


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
    return [row for _, row in read_text_rows(path, _NEUTRAL, "text", Seen())]


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
    seen = Seen()
    rows = read_text_rows(false_premise, _FALSE_PREMISE, "question", seen)
    raise_problems(problem for where, row in rows for problem in _premise_problems(where, row, toc))
    questions = [(FALSE_PREMISE, row) for _, row in rows]
    questions += [(OUTSIDE, row) for _, row in read_text_rows(outside, _OUTSIDE, "question", seen)]
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
