"""QA pairs rephrased by a model of a server; what lost a name, citation or number is rejected (paper §4.1)."""

import json
import logging
import re
from collections import Counter
from pathlib import Path

from tatara.data.candidates import pair_id
from tatara.data.facts import REPHRASED, fact_of
from tatara.data.graph import Graph
from tatara.data.overlap import overlap
from tatara.files.control_tokens import control_token
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.normalise import normalise, squeeze
from tatara.files.prompts import fill_prompt
from tatara.files.text import read_text, write_csv
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.job.resume import FinishedRows
from tatara.llm.chat import ChatServer
from tatara.llm.outputs import ask_all

logger = logging.getLogger("tatara")
KEPT = "kept"
REASONS = (
    KEPT,
    "no pair in the output",
    "question unchanged",
    "name missing",
    "term missing",
    "citation missing",
    "number changed",
    "control token",
    "near a test question",
    "question stands already",
)
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["question", "answer"],
    "additionalProperties": False,
}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Terms:
    """The names and places of a graph, and the terms of its facts, looked up in texts."""

    def __init__(self, graph: Graph):
        self.of_facts = {fact.id: set(fact.terms) for fact in graph.facts}
        self.names = {node.name for node in graph.nodes.values()}
        self.places = {
            part for place in graph.toc.places for part in (place.volume, place.chapter, place.section) if part
        }

    def _in(self, text: str, known: set[str]) -> list[str]:
        squeezed = squeeze(text)
        return sorted(term for term in known if squeeze(term) in squeezed)

    def _of_its_facts(self, pair: dict) -> set[str]:
        return set().union(*(self.of_facts.get(fact_of(name), ()) for name in pair.get("facts", ())))

    def of(self, text: str, pair: dict) -> list[str]:
        """Return the terms of a text of a pair, those left out that stand in a longer one."""
        terms = self._in(text, self.names | self.places | self._of_its_facts(pair))
        return [term for term in terms if not any(term != other and squeeze(term) in squeeze(other) for other in terms)]

    def lost(self, before: str, after: str, pair: dict) -> str | None:
        """Return why a text is no rephrasing of one of a pair, None where it holds the same names, places and numbers,
        and the terms of the facts that the pair is made of.
        """
        kept = squeeze(after)
        must = (("citation missing", self.places), ("name missing", self.names))
        for reason, known in (*must, ("term missing", self._of_its_facts(pair))):
            if any(squeeze(term) not in kept for term in self._in(before, known)):
                return reason
        return None if set(_NUMBER.findall(squeeze(before))) == set(_NUMBER.findall(kept)) else "number changed"


def render(template: str, where: Path | str, pair: dict, terms: Terms) -> str:
    """Return the prompt for one pair.

    Raises:
        InputError: the prompt file is no Jinja template, cannot be filled in, or names something else than question,
            answer, question_terms and answer_terms.
    """
    values = {"question": pair["question"], "answer": pair["answer"]}
    values |= {f"{part}_terms": terms.of(pair[part], pair) for part in ("question", "answer")}
    return fill_prompt(template, where, values)


def judge(pair: dict, output: str, terms: Terms, testset: list[dict], threshold: float) -> tuple[str, dict | None]:
    """Return `kept` and the rephrased pair, or why the output is rejected and None."""
    try:
        pair_in_output = json.loads(output)
        question, answer = pair_in_output["question"].strip(), pair_in_output["answer"].strip()
    except (ValueError, TypeError, KeyError, AttributeError):
        return "no pair in the output", None
    if not question or not answer:
        return "no pair in the output", None
    if normalise(question) == normalise(pair["question"]):
        return "question unchanged", None
    for before, after in ((pair["question"], question), (pair["answer"], answer)):
        if reason := terms.lost(before, after, pair):
            return reason, None
        if control_token(after):
            return "control token", None
    rephrased = pair | {"id": pair_id(question), "question": question, "answer": answer, "rephrased_from": pair["id"]}
    if "facts" in pair:
        rephrased["facts"] = [f"{fact_of(name)}:{REPHRASED}" for name in pair["facts"]]
    try:
        overlap(testset, [rephrased], threshold)
    except InputError:
        return "near a test question", None
    return KEPT, rephrased


def _ask(row: dict, prompt: str, server: ChatServer, settings: dict, seed: int) -> str:
    """Return the model's output for one pair."""
    reply = server.chat(
        settings["model"],
        [{"role": "user", "content": prompt}],
        limit=settings["max_tokens"],
        context=settings["context"],
        seed=(seed + int(row["id"], 16)) % 2**31,
        temperature=settings["temperature"],
        schema=SCHEMA,
    )
    return reply.text


def _accept(
    rows: list[tuple[dict, str]], terms: Terms, testset: list[dict], threshold: float
) -> tuple[list[dict], Counter]:
    """Return the rephrased pairs that hold, and how many pairs were kept or rejected for each reason."""
    counted, standing, accepted = Counter(), {row["id"] for row, _ in rows}, []
    for row, output in rows:
        reason, rephrased = judge(row, output, terms, testset, threshold)
        if rephrased and rephrased["id"] in standing:
            reason = "question stands already"
        elif rephrased:
            standing.add(rephrased["id"])
            accepted.append(rephrased)
        counted[reason] += 1
    return accepted, counted


def augment(
    *,
    pairs: Path,
    graph: Graph,
    testset: list[dict],
    threshold: float,
    prompt: Path,
    server: ChatServer,
    settings: dict,
    parallel: int,
    seed: int,
    output: Path,
    counts: Path,
    finished: Path,
) -> None:
    """Rephrase pairs and write those that hold, and how many were rejected for each reason (docs/files.md).

    Args:
        pairs: JSONL of the pairs that the graph and the templates give.
        testset: questions that no rephrased one may come near, by `threshold` (docs/files.md, overlap.json).
        prompt: the prompt file.
        settings: `model`, `temperature`, `context`, `max_tokens` of the config's `qa.augment`.
        parallel: pairs asked at once.
        finished: keeps finished outputs until all are there; a killed run goes on with the first that is missing.

    Raises:
        InputError: no server, no such model, a prompt that does not fit.
    """
    rows, terms, template = read_jsonl(pairs), Terms(graph), read_text(prompt)
    identity = server.identity(settings["model"], settings["context"])
    mark = fingerprint([settings, identity, template, seed], [])

    def ask(row: dict) -> str:
        return _ask(row, render(template, prompt, row, terms), server, settings, seed)

    # A pair that the graph no longer gives is left aside; one whose text changed has another key.
    by_key = {fingerprint([row["question"], row["answer"]], []): row for row in rows}
    with FinishedRows(finished, mark, key="key") as kept:
        outputs = ask_all(by_key, ask, kept, parallel, f"rephrase by {settings['model']}")
    accepted, counted = _accept([(row, outputs[key]) for key, row in by_key.items()], terms, testset, threshold)
    write_jsonl(output, accepted)
    write_csv(counts, ["outcome", "pairs"], [[reason, counted[reason]] for reason in REASONS])
    logger.info(
        "%d of %d pairs rephrased; rejected: %s",
        len(accepted),
        len(rows),
        {reason: counted[reason] for reason in REASONS[1:] if counted[reason]},
    )
    kept.remove()
