"""The test set: read and checked, selected by label, and held against the training pool (paper §3.1)."""

from pathlib import Path

from tatara.data.questions import has_fact
from tatara.data.schema import Schema, nearest
from tatara.data.toc import Citation, Toc
from tatara.files.jsonl import read_numbered
from tatara.files.normalise import normalise, squeeze
from tatara.job.errors import raise_problems

TEXTS = ("id", "label", "category", "difficulty", "question", "reference")
LISTS = ("facts", "citations")
DIFFICULTIES = ("basic", "standard", "advanced")


def has_citation(text: str, citation: dict[str, str]) -> bool:
    """Return whether a text names the volume, the chapter and, where it is given, the section of a citation."""
    squeezed = squeeze(text)
    return all(squeeze(part) in squeezed for part in citation.values() if part)


def _check_facts(row: dict, where: str, problems: list[str]) -> None:
    if not row["facts"]:
        problems.append(f"{where}: facts is empty; expected at least one required fact, a list of accepted wordings")
    for number, wordings in enumerate(row["facts"], start=1):
        if (
            not isinstance(wordings, list)
            or not wordings
            or not all(isinstance(wording, str) and squeeze(wording) for wording in wordings)
        ):
            problems.append(f"{where}: fact {number}: expected a list of accepted wordings, found {wordings!r}")
        elif isinstance(row["reference"], str) and not has_fact(row["reference"], wordings):
            problems.append(
                f"{where}: fact {number} ({wordings[0]}) is not in the reference; add one of its wordings there"
            )


def _check_citations(row: dict, where: str, toc: Toc, problems: list[str]) -> None:
    cited = []
    for number, citation in enumerate(row["citations"], start=1):
        keys = citation.keys() if isinstance(citation, dict) else set()
        if not {"volume", "chapter"} <= keys <= {"volume", "chapter", "section"} or not all(
            isinstance(part, str) for part in citation.values()
        ):
            problems.append(f"{where}: citation {number}: expected volume, chapter and section, found {citation!r}")
        elif problem := toc.problem(Citation(**citation)):
            problems.append(f"{where}: citation {number}: {problem}")
        else:
            cited.append(citation)
    if not row["citations"]:
        problems.append(f"{where}: citations is empty; expected at least one place that counts")
    elif (
        len(cited) == len(row["citations"])
        and isinstance(row["reference"], str)
        and not any(has_citation(row["reference"], c) for c in cited)
    ):
        problems.append(
            f"{where}: the reference names none of the citations; add one, such as {Citation(**cited[0]).text}"
        )


def load_testset(path: Path | str, schema: Schema, toc: Toc) -> list[dict]:
    """Read and check a test set.

    Raises:
        InputError: every problem found, with file and line: a missing or unknown field, an unknown category or
            difficulty, an id or a question that stands twice, a citation that is not in the table of contents, a
            reference without a fact or a citation.
    """
    problems: list[str] = []
    rows = []
    ids: dict[str, int] = {}
    forms: dict[str, int] = {}
    for line, row in read_numbered(path):
        where = f"{path}:{line}"
        wrong = [
            f"{where}: {key}: missing; expected text"
            for key in TEXTS
            if not isinstance(row.get(key), str) or not row[key].strip()
        ]
        wrong += [f"{where}: {key}: missing; expected a list" for key in LISTS if not isinstance(row.get(key), list)]
        wrong += [
            f"{where}: unknown field {key}{nearest(key, TEXTS + LISTS)}" for key in row.keys() - set(TEXTS) - set(LISTS)
        ]
        problems += wrong
        if wrong:
            continue
        if row["category"] not in schema.categories:
            problems.append(f"{where}: unknown category {row['category']}{nearest(row['category'], schema.categories)}")
        if row["difficulty"] not in DIFFICULTIES:
            problems.append(
                f"{where}: unknown difficulty {row['difficulty']}{nearest(row['difficulty'], DIFFICULTIES)}"
            )
        form = normalise(row["question"])
        if len(form) < 2:
            problems.append(f"{where}: the question {row['question']!r} has fewer than two characters that count")
        for key, value, known in (("id", row["id"], ids), ("question", form, forms)):
            if value in known:
                problems.append(f"{where}: this {key} stands already in line {known[value]}")
            known.setdefault(value, line)
        _check_facts(row, where, problems)
        _check_citations(row, where, toc, problems)
        rows.append(row)
    if not rows and not problems:
        problems.append(f"{path}: no question; expected one JSON object a line")
    raise_problems(problems)
    return rows
