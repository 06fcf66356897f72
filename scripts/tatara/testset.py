"""The test set: read and checked, selected by label, and held against the training pool (paper §3.1)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tatara.errors import InputError, raise_problems
from tatara.jsonl import read_jsonl, read_numbered
from tatara.schema import Schema, nearest
from tatara.text import normalise, squeeze
from tatara.toc import Citation, Toc

TEXTS = ("id", "label", "category", "difficulty", "question", "reference")
LISTS = ("facts", "citations")
DIFFICULTIES = ("basic", "standard", "advanced")
ALL = "all"


def has_fact(text: str, wordings: list[str]) -> bool:
    """Return whether a text holds one of a fact's accepted wordings, in NFKC and without spaces."""
    squeezed = squeeze(text)
    return any(squeeze(wording) in squeezed for wording in wordings)


def has_citation(text: str, citation: dict[str, str]) -> bool:
    """Return whether a text names the volume, the chapter and, where it is given, the section of a citation."""
    squeezed = squeeze(text)
    return all(squeeze(part) in squeezed for part in citation.values() if part)


def _check_facts(row: dict, where: str, problems: list[str]) -> None:
    if not row["facts"]:
        problems.append(f"{where}: facts is empty; expected at least one required fact, a list of accepted wordings")
    for number, wordings in enumerate(row["facts"], start=1):
        if not isinstance(wordings, list) or not wordings or not all(isinstance(wording, str) and squeeze(wording) for wording in wordings):
            problems.append(f"{where}: fact {number}: expected a list of accepted wordings, found {wordings!r}")
        elif isinstance(row["reference"], str) and not has_fact(row["reference"], wordings):
            problems.append(f"{where}: fact {number} ({wordings[0]}) is not in the reference; add one of its wordings there")


def _check_citations(row: dict, where: str, toc: Toc, problems: list[str]) -> None:
    cited = []
    for number, citation in enumerate(row["citations"], start=1):
        keys = citation.keys() if isinstance(citation, dict) else set()
        if not {"volume", "chapter"} <= keys <= {"volume", "chapter", "section"} or not all(isinstance(part, str) for part in citation.values()):
            problems.append(f"{where}: citation {number}: expected volume, chapter and section, found {citation!r}")
        elif problem := toc.problem(Citation(**citation)):
            problems.append(f"{where}: citation {number}: {problem}")
        else:
            cited.append(citation)
    if not row["citations"]:
        problems.append(f"{where}: citations is empty; expected at least one place that counts")
    elif len(cited) == len(row["citations"]) and isinstance(row["reference"], str) and not any(has_citation(row["reference"], c) for c in cited):
        problems.append(f"{where}: the reference names none of the citations; add one, such as {Citation(**cited[0]).text}")


def load_testset(path: Path | str, schema: Schema, toc: Toc) -> list[dict]:
    """Read and check a test set.

    Raises:
        InputError: every problem found, with file and line: a missing or unknown field, an unknown category or difficulty, an id or a
            question that stands twice, a citation that is not in the table of contents, a reference without a fact or a citation.
    """
    problems: list[str] = []
    rows = []
    ids: dict[str, int] = {}
    forms: dict[str, int] = {}
    for line, row in read_numbered(path):
        where = f"{path}:{line}"
        wrong = [f"{where}: {key}: missing; expected text" for key in TEXTS if not isinstance(row.get(key), str) or not row[key].strip()]
        wrong += [f"{where}: {key}: missing; expected a list" for key in LISTS if not isinstance(row.get(key), list)]
        wrong += [f"{where}: unknown field {key}{nearest(key, TEXTS + LISTS)}" for key in row.keys() - set(TEXTS) - set(LISTS)]
        problems += wrong
        if wrong:
            continue
        if row["category"] not in schema.categories:
            problems.append(f"{where}: unknown category {row['category']}{nearest(row['category'], schema.categories)}")
        if row["difficulty"] not in DIFFICULTIES:
            problems.append(f"{where}: unknown difficulty {row['difficulty']}{nearest(row['difficulty'], DIFFICULTIES)}")
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


def select(rows: list[dict], label: str) -> list[dict]:
    """Return the questions of a label, or with `all` every one.

    Raises:
        InputError: no question has the label.
    """
    chosen = [row for row in rows if label in (ALL, row["label"])]
    if not chosen:
        counts = Counter(row["label"] for row in rows)
        known = ", ".join(f"{name} ({count})" for name, count in counts.items())
        raise InputError(f"config key testset.label: no question is labelled {label!r}; the test set has {known}, and `{ALL}` takes every one")
    return chosen


def bigrams(text: str) -> set[str]:
    """Return the character bigrams of a text's normal form."""
    form = normalise(text)
    return {form[i : i + 2] for i in range(len(form) - 1)}


def overlap(questions: list[dict], pool: Iterable[dict], threshold: float) -> dict:
    """Return, for each question, the training question that contains most of its character bigrams.

    Containment is |bigrams(question) ∩ bigrams(training question)| / |bigrams(question)|, from 0 to 1. The pool is passed once, so time
    is linear in it and memory does not depend on it.

    Raises:
        InputError: a question above the threshold, or with the same normal form as a training question; names both.
    """
    index = defaultdict(list)
    sizes = []
    for number, row in enumerate(questions):
        own = bigrams(row["question"])
        sizes.append(len(own))
        for bigram in own:
            index[bigram].append(number)
    forms = {normalise(row["question"]): number for number, row in enumerate(questions)}
    best: list[tuple[float, dict | None]] = [(0.0, None)] * len(questions)
    problems = []
    for pair in pool:
        shared = Counter()
        for bigram in bigrams(pair["question"]):
            if bigram in index:
                shared.update(index[bigram])
        for number, count in shared.items():
            if count / sizes[number] > best[number][0]:
                best[number] = (count / sizes[number], pair)
        if (number := forms.get(normalise(pair["question"]))) is not None:
            problems.append(f"test question {questions[number]['id']} is training question {pair['id']}: {pair['question']}; reword one of them")
    problems += [
        f"test question {row['id']} shares {containment:.3f} of its character bigrams with training question {pair['id']}, more than {threshold}: "
        f"{row['question']} / {pair['question']}; reword one of them, or raise testset.threshold"
        for row, (containment, pair) in zip(questions, best, strict=True)
        if containment > threshold
    ]
    raise_problems(problems)
    return {
        "threshold": threshold,
        "label": "+".join(dict.fromkeys(row["label"] for row in questions)),
        "max_containment": max((containment for containment, _ in best), default=0.0),
        "questions": [
            {"id": row["id"], "nearest_id": pair and pair["id"], "nearest_question": pair and pair["question"], "containment": containment}
            for row, (containment, pair) in zip(questions, best, strict=True)
        ],
    }


def evaluated(path: Path | str, label: str, limit: int | None) -> list[dict]:
    """Return the questions to evaluate: those with the label, or `limit` of them, taken from the categories in turn.

    Raises:
        InputError: no question has the label.
    """
    rows = select(read_jsonl(path), label)
    if limit is None or limit >= len(rows):
        return rows
    turns = defaultdict(int)
    ranked = []
    for index, row in enumerate(rows):
        ranked.append((turns[row["category"]], index))
        turns[row["category"]] += 1
    return [rows[index] for index in sorted(index for _, index in sorted(ranked)[:limit])]
