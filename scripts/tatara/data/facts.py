"""The facts of a domain (docs/files.md, facts.csv): what a node's documents state, each in up to three wordings."""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tatara.data.csv_rows import read_table
from tatara.data.schema import nearest
from tatara.data.toc import Citation, Toc
from tatara.files.control_tokens import token_problem
from tatara.files.normalise import normalise, squeeze
from tatara.files.text import write_csv
from tatara.job.errors import InputError, Problem

KINDS = ("definition", "value", "condition", "procedure", "reason", "exception", "comparison")
WORDINGS = ("text", "text_2", "text_3")
COLUMNS = ("node", "kind", "topic", *WORDINGS, "terms", "volume", "chapter", "section")
REQUIRED = ("node", "kind", "text", "volume", "chapter")
BETWEEN_TERMS = ";"
LABEL, RELATION = "Fact", "HAS_FACT"  # of facts that are nodes of their own, as in Neo4j
REPHRASED = "rephrased"  # stands for the number of a wording that the graph does not have
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def fact_of(name: str) -> str:
    """Return the id of a fact from how a pair names it, `ID:WORDING`."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Fact:
    """One statement of the documents.

    Attributes:
        id: decided by node and first wording.
        node: id of the node that it is about.
        kind: one of KINDS.
        wordings: one to three sentences that say the same with the same numbers and terms.
        topic: the noun phrase that a question about it names; empty where nobody has written one.
        terms: key terms that every wording holds.
        place: where the documents state it.
        source: file:line, for messages.
    """

    id: str
    node: str
    kind: str
    wordings: tuple[str, ...]
    topic: str
    terms: tuple[str, ...]
    place: Citation
    source: str = field(default="", compare=False)


def fact_id(node: str, text: str) -> str:
    """Return `f-` and ten hexadecimal digits."""
    return "f-" + hashlib.sha256(f"{node}\n{normalise(text)}".encode()).hexdigest()[:10]


def numbers(text: str) -> list[str]:
    """Return the numbers of a text in NFKC, sorted."""
    return sorted(_NUMBER.findall(squeeze(text)))


def _problems(where: str, row: dict[str, str], nodes: Iterable[str], toc: Toc) -> Iterator[Problem]:
    if missing := [key for key in REQUIRED if not row[key]]:
        yield Problem("facts with an empty column", f"{where}: {', '.join(missing)} must not be empty")
        return
    if row["node"] not in nodes:
        message = f"{where}: there is no node {row['node']!r}{nearest(row['node'], nodes)}"
        yield Problem("facts of no node", message)
    if row["kind"] not in KINDS:
        message = f"{where}: unknown kind {row['kind']}{nearest(row['kind'], KINDS)}"
        yield Problem("unknown kinds of facts", message)
    if problem := toc.problem(Citation(row["volume"], row["chapter"], row["section"])):
        yield Problem("citations that are not in the table of contents", f"{where}: {problem}")
    texts = {key: row[key] for key in WORDINGS if row[key]}
    for key, text in texts.items():
        if numbers(text) != numbers(row["text"]):
            message = f"{where}: {key} has the numbers {numbers(text)}, text has {numbers(row['text'])}"
            yield Problem("wordings of one fact with other numbers", message)
        lacking = [term for term in _terms(row) if squeeze(term) not in squeeze(text)]
        if lacking:
            message = f"{where}: {key} does not hold the term {lacking[0]!r}; every wording holds all terms"
            yield Problem("wordings of one fact without its terms", message)
    if len(set(texts.values())) < len(texts):
        yield Problem("wordings that stand twice", f"{where}: two wordings are the same text")
    for key in (*WORDINGS, "topic"):
        if problem := token_problem(f"{where}: {key}", row[key]):
            yield problem


def _terms(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(term.strip() for term in row["terms"].split(BETWEEN_TERMS) if term.strip())


def build_facts(
    rows: Iterable[tuple[str, dict[str, str]]], nodes: Iterable[str], toc: Toc
) -> tuple[list[Fact], list[Problem]]:
    """Check rows of any source.

    Args:
        rows: `(where, row)`; a row has the keys of COLUMNS, or some of them.
        nodes: ids of the graph's nodes.

    Returns:
        The facts without a problem, in the order of the table of contents, then by node and text; and the problems.
    """
    nodes, facts, problems = set(nodes), {}, []
    for where, row in rows:
        row = {key: row.get(key, "") for key in COLUMNS}
        wrong = list(_problems(where, row, nodes, toc))
        problems += wrong
        if wrong:
            continue
        texts = tuple(row[key] for key in WORDINGS if row[key])
        place = Citation(row["volume"], row["chapter"], row["section"])
        id_ = fact_id(row["node"], row["text"])
        if id_ in facts:
            message = f"{where}: this fact stands at {facts[id_].source} as well"
            problems.append(Problem("facts that stand twice", message))
        facts[id_] = Fact(id_, row["node"], row["kind"], texts, row["topic"], _terms(row), place, where)
    return sorted(facts.values(), key=lambda fact: (toc.order[fact.place], fact.node, fact.wordings)), problems


def read_fact_rows(path: Path | str) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file of facts, each with file:line.

    Raises:
        InputError: no such file, a missing column, broken CSV (file and line).
    """
    table = read_table(path, ",".join(COLUMNS), lambda names: set(REQUIRED) <= set(names))
    missing = [name for name in REQUIRED if name not in table.header]
    if missing:
        raise InputError(
            f"{path}:{table.header_line}: missing column {', '.join(missing)}; expected {','.join(COLUMNS)}"
        )
    return [(f"{path}:{line}", dict(zip(table.header, fields, strict=True))) for line, fields in table.rows]


def fact_row(fact: Fact) -> dict[str, str]:
    """Return a fact's values by COLUMNS."""
    texts = dict.fromkeys(WORDINGS, "") | dict(zip(WORDINGS, fact.wordings, strict=False))
    place = {"volume": fact.place.volume, "chapter": fact.place.chapter, "section": fact.place.section}
    terms = BETWEEN_TERMS.join(fact.terms)
    return {"node": fact.node, "kind": fact.kind, "topic": fact.topic, **texts, "terms": terms, **place}


def write_facts(facts: list[Fact], path: Path | str) -> None:
    """Write facts.csv; reading it gives the same facts."""
    write_csv(path, list(COLUMNS), [list(fact_row(fact).values()) for fact in facts])


def read_facts(path: Path | str) -> list[Fact]:
    """Return the facts of a canonical facts.csv, which were checked when it was written."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [
            Fact(
                fact_id(row["node"], row["text"]),
                row["node"],
                row["kind"],
                tuple(row[key] for key in WORDINGS if row[key]),
                row["topic"],
                _terms(row),
                Citation(row["volume"], row["chapter"], row["section"]),
            )
            for row in csv.DictReader(file)
        ]
