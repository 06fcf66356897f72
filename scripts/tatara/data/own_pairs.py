"""Question-answer pairs of the user's own: Alpaca, ShareGPT or `messages`, a line or an entry of an array each.

Of a conversation the first question and its answer become a pair. What is left out is counted with its reason.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tatara.data.candidates import pair_id
from tatara.data.left_out import Kind, LeftOut
from tatara.data.schema import NO_CATEGORY
from tatara.files.control_tokens import token_problem
from tatara.files.jsonl import read_numbered
from tatara.files.normalise import normalise
from tatara.job.errors import InputError, Problem, raise_problems

OWN = "own"  # version and intent of these pairs
ALL = "all"  # their stratum where no field is named
UNNAMED = "none"  # stratum of pairs without the field
EMPTY = Kind("own pairs without a question or without an answer")
UNANSWERED = Kind("own conversations without a question that is answered at once")
NO_TEXT = Kind("own pairs whose question or answer is no text alone, such as an image")
REPEATED = Kind("own pairs whose question stands already")
FURTHER_TURNS = Kind("own conversations of which what follows the first answer is left out")
SYSTEM = Kind("own conversations with a system prompt, in whose place stands chat.system", asked_for=True)
UNSTRATIFIED = Kind("own pairs without the field that qa.stratify_by names")
KINDS = (EMPTY, UNANSWERED, NO_TEXT, REPEATED, FURTHER_TURNS, SYSTEM, UNSTRATIFIED)
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant"}
ROLES |= {"chatgpt": "assistant", "bard": "assistant", "bing": "assistant", "system": "system"}
_EXPECTED = (
    'expected {"instruction": …, "input": …, "output": …} (Alpaca), {"conversations": [{"from": "human", "value": …}, '
    '…]} (ShareGPT) or {"messages": [{"role": "user", "content": …}, …]}'
)


class _Dropped(Exception):
    """A pair that is left out; its argument is the kind."""


class _Turn(NamedTuple):
    role: str  # user, assistant, system, or what else the file says
    text: object


def _text(value: object) -> str:
    """Return the text of an answer or a question, its parts joined where it has several.

    Raises:
        _Dropped: it is no text alone.
    """
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        value = "\n".join(part["text"] for part in value)
    if not isinstance(value, str):
        raise _Dropped(EMPTY if value is None else NO_TEXT)
    return value.strip()


def _turns(row: dict) -> list[_Turn] | None:
    """Return the turns of a conversation, None for a row that is none."""
    for key, role, content in (("conversations", "from", "value"), ("messages", "role", "content")):
        turns = row.get(key)
        if isinstance(turns, list) and turns and all(isinstance(turn, dict) and role in turn for turn in turns):
            return [_Turn(ROLES.get(str(turn[role]), str(turn[role])), turn.get(content)) for turn in turns]
    return None


def _of_conversation(turns: list[_Turn], where: str, left_out: LeftOut) -> tuple[str, str]:
    """Return the first question and its answer.

    Raises:
        _Dropped: there is no question that an answer follows.
    """
    spoken = [turn for turn in turns if turn.role != "system"]
    asked = next((place for place, turn in enumerate(spoken) if turn.role == "user"), len(spoken))
    if asked + 1 >= len(spoken) or spoken[asked + 1].role != "assistant":
        raise _Dropped(UNANSWERED)
    question, answer = _text(spoken[asked].text), _text(spoken[asked + 1].text)
    if question and answer:
        if len(spoken) < len(turns):
            left_out.add(SYSTEM, where)
        if len(spoken) > asked + 2:
            left_out.add(FURTHER_TURNS, f"{where}: {len(spoken) - asked - 2} turns")
    return question, answer


def _question_and_answer(row: dict, where: str, left_out: LeftOut) -> tuple[str, str] | None:
    """Return what a row asks and answers, None where it has none of the forms."""
    if turns := _turns(row):
        question, answer = _of_conversation(turns, where, left_out)
    elif "instruction" in row and "output" in row:
        parts = [_text(row["instruction"]), _text(row.get("input") or "")]
        question, answer = "\n".join(filter(None, parts)), _text(row["output"])
    else:
        return None
    if not normalise(question) or not answer:
        raise _Dropped(EMPTY)
    return question, answer


def _rows(files: Iterable[Path | str]) -> Iterator[tuple[Path, int, dict]]:
    for path in map(Path, files):
        for line, row in read_numbered(path):
            yield path, line, row


def _stratum(row: dict, where: str, field: str | None, left_out: LeftOut) -> str:
    if field is None:
        return ALL
    if row.get(field) is None or not str(row[field]).strip():
        left_out.add(UNSTRATIFIED, where)
        return UNNAMED
    return str(row[field]).strip()


def _category(row: dict) -> str:
    category = row.get("category")
    return category.strip() if isinstance(category, str) and category.strip() else NO_CATEGORY


def _taken_in(
    path: Path, line: int, row: dict, stratify_by: str | None, left_out: LeftOut, problems: list[Problem]
) -> dict | None:
    """Return the pair of a row; None where it is left out, or where a problem was found."""
    where = f"{path}:{line}"
    try:
        both = _question_and_answer(row, where, left_out)
    except _Dropped as dropped:
        left_out.add(dropped.args[0], where)
        return None
    if both is None:
        problems.append(Problem("own pairs in an unknown form", f"{where}: {_EXPECTED}"))
        return None
    pair = {"id": pair_id(both[0]), "question": both[0], "answer": both[1]}
    wrong = [problem for key in ("question", "answer") if (problem := token_problem(f"{where}: {key}", pair[key]))]
    problems += wrong
    pair |= {"relation_type": _stratum(row, where, stratify_by, left_out), "version": OWN, "intent": OWN}
    pair |= {"template": f"{path.name}:{line}", "start": "", "end": "", "category": _category(row), "facts": []}
    return None if wrong else pair


def read_own_pairs(
    files: Iterable[Path | str],
    stratify_by: str | None,
    left_out: LeftOut,
    standing: Iterable[str] = (),
    prefix: str = "",
) -> list[dict]:
    """Return pairs as docs/files.md has them, in the order of files and lines; of equal questions the first stays.

    A pair's `relation_type` is its stratum, `template` the place that it is from, `category` that of its row.

    Args:
        stratify_by: field of the rows by whose values subsets are stratified; None for one stratum.
        left_out: takes what is left out.
        standing: ids of pairs whose questions stand already.
        prefix: of strata, which keeps them apart from relation types.

    Raises:
        InputError: a row in none of the forms, a control token (file and line), a field that no row has, files of which
            no pair is left.
    """
    files, taken, pairs, problems, total = list(files), set(standing), [], [], 0
    for path, line, row in _rows(files):
        total += 1
        pair = _taken_in(path, line, row, stratify_by, left_out, problems)
        if pair and pair["id"] in taken:
            left_out.add(REPEATED, f"{path}:{line}: {pair['question']}")
        elif pair:
            taken.add(pair["id"])
            pairs.append(pair)
    raise_problems(problems)
    for kind in KINDS if files else ():
        left_out.expect(kind, total)
    if files and not pairs:
        reasons = ", ".join(f"{left_out.counts[kind]} {kind.name}" for kind in KINDS if left_out.counts[kind])
        raise InputError(f"{', '.join(map(str, files))}: no pair is left of {total}; {reasons or _EXPECTED}")
    if stratify_by and pairs and all(pair["relation_type"] == UNNAMED for pair in pairs):
        raise InputError(f"config key qa.stratify_by: no pair has the field {stratify_by}; name another, or null")
    return [pair | {"relation_type": prefix + pair["relation_type"]} for pair in pairs]
