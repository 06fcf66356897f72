"""General pairs: questions and answers about everything but the domain, mixed into training against forgetting."""

from pathlib import Path

from tatara.data.text_rows import TEXT, Seen, read_text_rows, row_of
from tatara.files.control_tokens import token_problem
from tatara.job.errors import raise_problems

_PAIR = row_of({"id": TEXT, "question": TEXT, "answer": TEXT})


def load_general(path: Path | str) -> list[dict]:
    """Read and check general pairs, rows with id, question and answer.

    Raises:
        InputError: every problem of a kind, with file and line: another form of a row, an id or a question that stands
            twice, a control token.
    """
    rows = read_text_rows(path, _PAIR, "question", Seen())
    problems = [token_problem(f"{where}: answer", row["answer"]) for where, row in rows]
    raise_problems([problem for problem in problems if problem])
    return [row for _, row in rows]
