"""The test set: read and checked, selected by label, and held against the training pool (paper §3.1)."""

from collections.abc import Iterator
from pathlib import Path

from tatara.data.questions import has_fact
from tatara.data.schema import Schema, nearest
from tatara.data.toc import Citation, Toc
from tatara.files.control_tokens import token_problem
from tatara.files.jsonl import read_numbered
from tatara.files.normalise import normalise, squeeze
from tatara.job.errors import Problem, raise_problems

TEXTS = ("id", "label", "category", "difficulty", "question", "reference")
LISTS = ("facts", "citations")
KEYWORDS = "keywords"  # in place of facts
DIFFICULTIES = ("basic", "standard", "advanced")


def has_citation(text: str, citation: dict[str, str]) -> bool:
    """Return whether a text names the volume, the chapter and, where it is given, the section of a citation."""
    squeezed = squeeze(text)
    return all(squeeze(part) in squeezed for part in citation.values() if part)


def _with_defaults(row: dict) -> dict:
    """Return a row in which keywords are facts of one wording each, and what may be missing is empty.

    A question may have no reference answer; it needs no facts and no citations then, and no citations with keywords.
    """
    if not row.get("reference"):
        row = row | {"reference": "", "facts": row.get("facts", []), "citations": row.get("citations", [])}
    if isinstance(row.get(KEYWORDS), list) and not row.get("facts"):
        facts = [[keyword] for keyword in row[KEYWORDS]]
        row = row | {"facts": facts, "citations": row.get("citations", [])}
        del row[KEYWORDS]
    return row


def _fact_problems(row: dict, where: str) -> Iterator[Problem]:
    if not row["facts"] and row["reference"]:
        message = "facts is empty; expected at least one required fact, a list of accepted wordings"
        yield Problem("questions without facts", f"{where}: {message}")
    for number, wordings in enumerate(row["facts"], start=1):
        texts = isinstance(wordings, list) and all(isinstance(wording, str) for wording in wordings)
        if not texts or not wordings or not all(map(squeeze, wordings)):
            message = f"fact {number}: expected a list of accepted wordings, texts in quotes, found {wordings!r}"
            yield Problem("facts that are no list of wordings", f"{where}: {message}")
        elif row["reference"] and not has_fact(row["reference"], wordings):
            message = f"fact {number} ({wordings[0]}) is not in the reference; add one of its wordings there"
            yield Problem("facts that the reference lacks", f"{where}: {message}")


def _citation_problems(row: dict, where: str, toc: Toc, optional: bool) -> Iterator[Problem]:
    if not row["citations"] and optional:
        return
    if not row["citations"]:
        message = "citations is empty; expected at least one place that counts"
        yield Problem("questions without citations", f"{where}: {message}")
        return
    right = []
    for number, citation in enumerate(row["citations"], start=1):
        keys = citation.keys() if isinstance(citation, dict) else set()
        texts = keys and all(isinstance(part, str) for part in citation.values())
        if not texts or not {"volume", "chapter"} <= keys <= {"volume", "chapter", "section"}:
            message = f"citation {number}: expected volume, chapter and section, found {citation!r}"
            yield Problem("citations that are no places", f"{where}: {message}")
        elif problem := toc.problem(Citation(**citation)):
            yield Problem("citations that are not in the table of contents", f"{where}: citation {number}: {problem}")
        else:
            right.append(citation)
    if (
        row["reference"]
        and len(right) == len(row["citations"])
        and not any(has_citation(row["reference"], c) for c in right)
    ):
        message = f"the reference names none of the citations; add one, such as {Citation(**right[0]).text}"
        yield Problem("references without a citation", f"{where}: {message}")


def _field_problems(row: dict, where: str) -> Iterator[Problem]:
    for key in TEXTS:
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            message = f"{key}: expected text, found {value!r}; write it in quotes"
            yield Problem("fields of another kind", f"{where}: {message}")
        elif not (value and value.strip()) and key != "reference":
            yield Problem("missing fields", f"{where}: {key}: missing; expected text")
    if KEYWORDS in row and not isinstance(row[KEYWORDS], list):
        yield Problem(
            "fields of another kind", f"{where}: {KEYWORDS}: expected a list of texts, found {row[KEYWORDS]!r}"
        )
    elif KEYWORDS in row:
        yield Problem("fields of another kind", f"{where}: {KEYWORDS} and facts: keep one of them")
    for key in LISTS:
        if not isinstance(row.get(key), list):
            yield Problem("missing fields", f"{where}: {key}: missing; expected a list")
    for key in row.keys() - set(TEXTS) - set(LISTS) - {KEYWORDS}:
        yield Problem("unknown fields", f"{where}: unknown field {key}{nearest(key, (*TEXTS, *LISTS, KEYWORDS))}")


def _value_problems(row: dict, where: str, schema: Schema) -> Iterator[Problem]:
    if row["category"] not in schema.categories:
        hint = nearest(row["category"], schema.categories)
        yield Problem("unknown categories", f"{where}: unknown category {row['category']}{hint}")
    if row["difficulty"] not in DIFFICULTIES:
        hint = nearest(row["difficulty"], DIFFICULTIES)
        yield Problem("unknown difficulties", f"{where}: unknown difficulty {row['difficulty']}{hint}")
    if len(normalise(row["question"])) < 2:
        message = f"the question {row['question']!r} has fewer than two characters that count"
        yield Problem("questions that are too short", f"{where}: {message}")
    for key in ("question", "reference"):
        if problem := token_problem(f"{where}: {key}", row[key]):
            yield problem


def load_testset(path: Path | str, schema: Schema, toc: Toc) -> list[dict]:
    """Read and check a test set; its rows as docs/files.md has them, of a question without a reference answer with an
    empty one.

    Raises:
        InputError: every problem found, with file and line: a missing or unknown field, an unknown category or
            difficulty, an id or a question that stands twice, a control token, a citation that is not in the table of
            contents, a reference without a fact or a citation.
    """
    problems: list[str] = []
    rows = []
    known: dict[str, dict[str, int]] = {"id": {}, "question": {}}
    for line, written in read_numbered(path):
        where, row = f"{path}:{line}", _with_defaults(written)
        if wrong := list(_field_problems(row, where)):
            problems += wrong
            continue
        problems += _value_problems(row, where, schema)
        for key, value in (("id", row["id"]), ("question", normalise(row["question"]))):
            if value in known[key]:
                message = f"{where}: this {key} stands already in line {known[key][value]}"
                problems.append(Problem(f"{key}s that stand twice", message))
            known[key].setdefault(value, line)
        problems += _fact_problems(row, where)
        problems += _citation_problems(row, where, toc, KEYWORDS in written or not row["reference"])
        rows.append(row)
    if not rows and not problems:
        problems.append(f"{path}: no question; expected one JSON object a line")
    raise_problems(problems)
    return rows
