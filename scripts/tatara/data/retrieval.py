"""The graph at hand: the facts and relations that are nearest to a question, found by BM25 without a server.

A text is compared by its words. Japanese, which puts no spaces between them, is compared by pairs of neighbouring
characters instead (the usual n-grams of Japanese retrieval); runs of Latin letters and digits stay whole in both.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import bm25s
import numpy

from tatara.data.facts import Fact
from tatara.data.graph import Graph, Relation
from tatara.files.prompts import fill_prompt
from tatara.files.text import read_text

_JAPANESE = "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_BETWEEN = re.compile(rf"(?<=[{_JAPANESE}])\s+(?=[{_JAPANESE}])")
_RUN = re.compile(rf"[{_JAPANESE}]+|[^\W_{_JAPANESE}]+")


class Passage(NamedTuple):
    """What can be found: the words that it is found by, and the line that is shown."""

    words: str
    line: str


def tokens(text: str) -> list[str]:
    """Return what a text is compared by: in NFKC and lower case, words, and of Japanese runs the pairs of neighbours.

    A run of one Japanese character is a token itself; spaces inside Japanese count for nothing.
    """
    folded = _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())
    found: list[str] = []
    for run in _RUN.findall(folded):
        pairs = re.match(f"[{_JAPANESE}]", run) and len(run) > 1
        found += [run[i : i + 2] for i in range(len(run) - 1)] if pairs else [run]
    return found


def _fact(fact: Fact, graph: Graph) -> Passage:
    words = " ".join((graph.nodes[fact.node].name, fact.topic, *fact.wordings))
    return Passage(words, f"{fact.wordings[0]} [{fact.place.text}]")


def _relation(relation: Relation, graph: Graph) -> Passage:
    start, end = graph.nodes[relation.start].title, graph.nodes[relation.end].title
    words = f"{start} → {graph.schema.relations[relation.type].name}: {end}"
    words += f" ({relation.reason})" if relation.reason else ""
    place = graph.evidence(relation).text
    return Passage(words, f"{words} [{place}]" if place else words)


def passages(graph: Graph) -> list[Passage]:
    """Return what of a graph can be found, each with its citation in brackets.

    A fact is found by all of its wordings, its topic and its node's name, and shown in its first wording; a relation is
    its two ends and the name of its type, with the reason where there is one.
    """
    facts = [_fact(fact, graph) for fact in graph.facts]
    return facts + [_relation(relation, graph) for relation in graph.relations]


class Index:
    """BM25 over passages (Robertson and Zaragoza 2009; k1 = 1.5, b = 0.75, as Lucene weighs)."""

    def __init__(self, found: Iterable[Passage]):
        self._lines: list[str] = []
        documents: list[list[str]] = []
        for passage in found:
            if document := tokens(passage.words):
                self._lines.append(passage.line)
                documents.append(document)
        self._known = {token for document in documents for token in document}
        self._scores = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        if documents:
            self._scores.index(documents, show_progress=False)

    def nearest(self, question: str, count: int) -> list[str]:
        """Return the lines of at most `count` passages, the nearest first, ties in their order.

        A passage that shares no token with the question is none of them.
        """
        asked = [token for token in tokens(question) if token in self._known]
        if not asked:
            return []
        scores = self._scores.get_scores(asked)
        order = numpy.argsort(-scores, kind="stable")[:count]
        return [self._lines[place] for place in order if scores[place] > 0]


def graph_at_hand(rows: list[dict], graph: Graph, *, lines: int, prompt: Path) -> list[dict]:
    """Return of each question what a model reads in its place (docs/files.md, testset/at_hand.jsonl).

    Args:
        rows: questions of the test set.
        lines: passages of a prompt at most.
        prompt: the prompt file with `lines` and `question`, in Jinja's syntax.

    Raises:
        InputError: the prompt file is missing, is no Jinja template, or names something else (file and line).
    """
    index, template = Index(passages(graph)), read_text(prompt)
    found = []
    for row in rows:
        nearest = index.nearest(row["question"], lines)
        text = fill_prompt(template, prompt, {"lines": nearest, "question": row["question"]})
        found.append({"id": row["id"], "question": row["question"], "lines": nearest, "prompt": text.strip()})
    return found
