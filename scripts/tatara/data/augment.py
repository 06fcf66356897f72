"""QA pairs rephrased by a language model of an Ollama server; what lost a name, a citation or a number is rejected
(paper §4.1).
"""

import json
import logging
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tatara.data.graph import Graph
from tatara.data.overlap import overlap
from tatara.data.pairs import pair_id
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.normalise import normalise, squeeze
from tatara.files.prompts import fill_prompt
from tatara.files.text import read_text, write_csv
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.ollama.client import Server

logger = logging.getLogger("tatara")
KEPT = "kept"
REASONS = (
    KEPT,
    "no pair in the output",
    "question unchanged",
    "name missing",
    "citation missing",
    "number changed",
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
    """The names and places of a graph, found in texts."""

    def __init__(self, graph: Graph):
        self.names = {node.name for node in graph.nodes.values()}
        self.places = {
            part for place in graph.toc.places for part in (place.volume, place.chapter, place.section) if part
        }

    def _in(self, text: str, known: set[str]) -> list[str]:
        squeezed = squeeze(text)
        return sorted(term for term in known if squeeze(term) in squeezed)

    def of(self, text: str) -> list[str]:
        """Return the terms of a text, those left out that stand in a longer one."""
        found = self._in(text, self.names | self.places)
        return [term for term in found if not any(term != other and squeeze(term) in squeeze(other) for other in found)]

    def lost(self, before: str, after: str) -> str | None:
        """Return why a text is no rephrasing of another, None where it holds the same names, places and numbers."""
        kept = squeeze(after)
        for reason, known in (("citation missing", self.places), ("name missing", self.names)):
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
    values |= {f"{part}_terms": terms.of(pair[part]) for part in ("question", "answer")}
    return fill_prompt(template, where, values)


def judge(pair: dict, output: str, terms: Terms, testset: list[dict], threshold: float) -> tuple[str, dict | None]:
    """Return `kept` and the rephrased pair, or why the output is rejected and None."""
    try:
        found = json.loads(output)
        question, answer = found["question"].strip(), found["answer"].strip()
    except (ValueError, TypeError, KeyError, AttributeError):
        return "no pair in the output", None
    if not question or not answer:
        return "no pair in the output", None
    if normalise(question) == normalise(pair["question"]):
        return "question unchanged", None
    for before, after in ((pair["question"], question), (pair["answer"], answer)):
        if reason := terms.lost(before, after):
            return reason, None
    rephrased = pair | {"id": pair_id(question), "question": question, "answer": answer, "rephrased_from": pair["id"]}
    try:
        overlap(testset, [rephrased], threshold)
    except InputError:
        return "near a test question", None
    return KEPT, rephrased


def augment(
    *,
    pairs: Path,
    graph: Graph,
    testset: list[dict],
    threshold: float,
    prompt: Path,
    server: Server,
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
        messages = [{"role": "user", "content": render(template, prompt, row, terms)}]
        reply = server.chat(
            settings["model"],
            messages,
            limit=settings["max_tokens"],
            context=settings["context"],
            seed=(seed + int(row["id"], 16)) % 2**31,
            temperature=settings["temperature"],
            schema=SCHEMA,
        )
        return reply.text

    # A pair that the graph no longer gives is left aside; one whose text changed has another key.
    keys = {row["id"]: fingerprint([row["question"], row["answer"]], []) for row in rows}
    with FinishedRows(finished, mark, key="key") as kept, ThreadPoolExecutor(parallel) as pool:
        missing = [row for row in rows if keys[row["id"]] not in kept.rows]
        if kept.rows:
            logger.info("%d of %d outputs are there from an interrupted run", len(rows) - len(missing), len(rows))
        asked = {pool.submit(ask, row): row for row in missing}
        done = as_completed(asked)
        try:
            for _ in Progress(missing, f"rephrase by {settings['model']}", done=len(rows) - len(missing)):
                future = next(done)
                kept.add({"key": keys[asked[future]["id"]], "output": future.result()})
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    counted, standing, accepted = Counter(), {row["id"] for row in rows}, []
    for row in rows:
        reason, rephrased = judge(row, kept.rows[keys[row["id"]]]["output"], terms, testset, threshold)
        if rephrased and rephrased["id"] in standing:
            reason = "question stands already"
        elif rephrased:
            standing.add(rephrased["id"])
            accepted.append(rephrased)
        counted[reason] += 1
    write_jsonl(output, accepted)
    write_csv(counts, ["outcome", "pairs"], [[reason, counted[reason]] for reason in REASONS])
    logger.info(
        "%d of %d pairs rephrased; rejected: %s",
        len(accepted),
        len(rows),
        {reason: counted[reason] for reason in REASONS[1:] if counted[reason]},
    )
    kept.remove()
