"""Files of texts that the user brings, a JSON object a line: the form of a row, and what no two rows may share."""

from collections.abc import Iterator
from pathlib import Path

from tatara.files.control_tokens import token_problem
from tatara.files.json_schema import schema_errors
from tatara.files.jsonl import read_numbered
from tatara.files.normalise import normalise
from tatara.job.errors import Problem, raise_problems

TEXT = {"type": "string", "pattern": r"\S", "description": "a text"}


def row_of(required: dict, optional: dict | None = None) -> dict:
    """Return the JSON schema of a row with these keys and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": required | (optional or {}),
    }


class Seen:
    """Ids and texts of all files read so far: none may stand twice."""

    def __init__(self):
        self.places: dict[tuple[str, str], str] = {}

    def problems(self, where: str, row: dict, text: str) -> Iterator[Problem]:
        """Yield what is wrong with a row at the place `where`; `text` is the key that a model sees."""
        for key, value in (("id", row["id"]), ("text", normalise(row[text]))):
            if (key, value) in self.places:
                message = f"{where}: this {key} stands already in {self.places[key, value]}; change one of the two"
                yield Problem(f"{key}s that stand twice", message)
            self.places.setdefault((key, value), where)
        if problem := token_problem(f"{where}: {text}", row[text]):
            yield problem


def read_text_rows(path: Path | str, schema: dict, text: str, seen: Seen) -> list[tuple[str, dict]]:
    """Return the rows of a file, each with its place; `text` is the key that a model sees.

    Raises:
        InputError: every problem found, with file and line: another form of a row, an id or a text that stands twice, a
            control token.
    """
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
