"""Relations and facts that a language model proposes of a passage, kept only where the passage itself says so.

Every row names the sentence that it rests on. It is kept where that stands literally in the passage and holds what the
row is about: both ends of a relation; a fact's subject and all of its numbers.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tatara.data.facts import KINDS
from tatara.files.control_tokens import as_plain_text
from tatara.files.normalise import squeeze
from tatara.files.prompts import fill_prompt
from tatara.job.fingerprint import fingerprint
from tatara.job.resume import FinishedRows
from tatara.llm.chat import ChatServer
from tatara.llm.outputs import ask_all

logger = logging.getLogger("tatara")
KEPT = "kept"
REASONS = (
    KEPT,
    "no rows in the output",
    "field missing",
    "unknown type",
    "unknown kind",
    "evidence not in the passage",
    "end not in the evidence",
    "both ends the same",
    "subject not in the evidence",
    "number not in the evidence",
    "proposed twice",
)
MOST_ROWS = 20  # of each sort and passage: a model that repeats itself comes to an end
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    Attributes:
        file: the document, for the column `file`.
        heading: under which heading it stands.
        start: where it begins in the document's text, in characters.
    """

    file: str
    heading: str
    text: str
    start: int = 0


@dataclass(frozen=True)
class Evidence:
    """Where the document says so: `text` stands from `start` to `end` in the document's text, in characters."""

    passage: Passage
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class RelationProposal:
    """A relation that a passage shows, between two names that its evidence holds."""

    start: str
    type: str
    end: str
    evidence: Evidence


@dataclass(frozen=True)
class FactProposal:
    """A fact that a passage states of `node`, a name that its evidence holds; `kind` is one of those of facts."""

    node: str
    kind: str
    text: str
    evidence: Evidence


Proposal = RelationProposal | FactProposal


def _rows(fields: dict[str, dict]) -> dict:
    text = {"type": "string", "minLength": 1, "maxLength": 400}
    row = {name: field or text for name, field in fields.items()}
    item = {"type": "object", "properties": row, "required": list(row), "additionalProperties": False}
    return {"type": "array", "maxItems": MOST_ROWS, "items": item}


def schema_of(types: Sequence[str]) -> dict:
    """Return the JSON schema that an output is held to.

    Args:
        types: relation types that may be proposed.
    """
    # The evidence comes first, so that a model quotes before it concludes.
    relations = _rows({"evidence": {}, "start": {}, "type": {"enum": list(types)}, "end": {}})
    facts = _rows({"evidence": {}, "node": {}, "kind": {"enum": list(KINDS)}, "text": {}})
    return {
        "type": "object",
        "properties": {"relations": relations, "facts": facts},
        "required": ["relations", "facts"],
        "additionalProperties": False,
    }


def _evidence(passage: Passage, text: str) -> Evidence | None:
    first = passage.text.find(text)
    if first < 0:
        return None
    return Evidence(passage, text, passage.start + first, passage.start + first + len(text))


def _fields(row: object, names: Sequence[str]) -> list[str] | None:
    """Return the texts of a row in the order of the names; None where one is missing, empty or no text."""
    values = [row.get(name) for name in names] if isinstance(row, dict) else []
    texts = [value.strip() for value in values if isinstance(value, str)]
    return texts if len(texts) == len(names) and all(texts) else None


def _relation(row: object, passage: Passage, types: Sequence[str]) -> tuple[str, Proposal | None]:
    fields = _fields(row, ("evidence", "start", "type", "end"))
    if not fields:
        return "field missing", None
    quoted, start, type_, end = fields
    if type_ not in types:
        return "unknown type", None
    evidence = _evidence(passage, quoted)
    if not evidence:
        return "evidence not in the passage", None
    if squeeze(start) == squeeze(end):
        return "both ends the same", None
    if start not in quoted or end not in quoted:
        return "end not in the evidence", None
    return KEPT, RelationProposal(start, type_, end, evidence)


def _fact(row: object, passage: Passage) -> tuple[str, Proposal | None]:
    fields = _fields(row, ("evidence", "node", "kind", "text"))
    if not fields:
        return "field missing", None
    quoted, node, kind, text = fields
    if kind not in KINDS:
        return "unknown kind", None
    evidence = _evidence(passage, quoted)
    if not evidence:
        return "evidence not in the passage", None
    if node not in quoted:
        return "subject not in the evidence", None
    if not set(_NUMBER.findall(squeeze(text))) <= set(_NUMBER.findall(squeeze(quoted))):
        return "number not in the evidence", None
    return KEPT, FactProposal(node, kind, text, evidence)


def check_output(output: str, passage: Passage, types: Sequence[str]) -> tuple[list[Proposal], Counter]:
    """Return what of a model's output is kept, in its order, and how many rows had which of REASONS.

    An output that is no JSON, or has other lists than `relations` and `facts`, counts as one row.
    """
    try:
        proposed = json.loads(output)
        relations, facts = list(proposed["relations"]), list(proposed["facts"])
    except (ValueError, TypeError, KeyError):
        return [], Counter({"no rows in the output": 1})
    checked = [_relation(row, passage, types) for row in relations] + [_fact(row, passage) for row in facts]
    kept, counted = {}, Counter()
    for reason, proposal in checked:
        if proposal in kept:
            reason = "proposed twice"
        elif proposal:
            kept[proposal] = None
        counted[reason] += 1
    return list(kept), counted


def render(template: str, where: Path | str, passage: Passage, types: Sequence[str]) -> str:
    """Return the prompt of a passage; a control token that the passage spells is plain text in it.

    Raises:
        InputError: the prompt file is no Jinja template, cannot be filled in, or names something else than passage,
            heading, types and kinds.
    """
    values = {"passage": as_plain_text(passage.text), "heading": passage.heading}
    return fill_prompt(template, where, values | {"types": list(types), "kinds": list(KINDS)})


def propose(
    passages: Sequence[Passage],
    server: ChatServer,
    *,
    model: str,
    template: str,
    where: Path | str,
    types: Sequence[str],
    seed: int,
    finished: Path,
    parallel: int = 1,
    temperature: float = 0.0,
    context: int = 4096,
    limit: int = 1536,
) -> tuple[list[Proposal], dict[str, int]]:
    """Ask a model for the relations and facts of each passage.

    Args:
        template: what the prompt file `where` holds.
        types: relation types that may be proposed.
        finished: keeps finished outputs until all are there; a killed run goes on with the first that is missing.
        parallel: passages asked at once.
        context, limit: tokens of prompt and output together, and most tokens of an output.

    Returns:
        What is kept, in the order of the passages, each proposal of a passage once; and REASONS -> number of rows.

    Raises:
        InputError: no server, no such model, a prompt that does not fit.
    """
    options = {"limit": limit, "context": context, "seed": seed, "temperature": temperature}
    schema = schema_of(types)

    def ask(passage: Passage) -> str:
        messages = [{"role": "user", "content": render(template, where, passage, types)}]
        return server.chat(model, messages, **options, schema=schema).text

    by_key = {fingerprint([passage.file, passage.start, passage.text], []): passage for passage in passages}
    mark = fingerprint([server.identity(model, context), template, list(types), options], [])
    with FinishedRows(finished, mark, key="key") as rows:
        outputs = ask_all(by_key, ask, rows, parallel, f"proposals by {model}")
    kept, counted = [], Counter()
    for key, passage in by_key.items():
        proposals, reasons = check_output(outputs[key], passage, types)
        kept += proposals
        counted += reasons
    rejected = {reason: counted[reason] for reason in REASONS[1:] if counted[reason]}
    logger.info("%d of %d proposals kept; rejected: %s", counted[KEPT], counted.total(), rejected)
    rows.remove()
    return kept, {reason: counted[reason] for reason in REASONS}
