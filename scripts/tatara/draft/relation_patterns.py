"""Relations between terms, found by patterns of the language; the sentence is the evidence."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tatara.draft.rules import Rules
from tatara.draft.statements import Statement
from tatara.draft.terms import Term, Words

_TERM = re.compile(r"⟦(\d+)⟧")
ENOUGH = 3  # sentences that say the same: more of them make a relation no surer


@dataclass(frozen=True)
class RelationDraft:
    """A relation that is proposed.

    Attributes:
        type: a relation type of the rules.
        statement: the sentence that says so; of several the one that states a rule, else the shortest.
        score: how many sentences say so, up to ENOUGH, as a share of it.
    """

    start: Term
    type: str
    end: Term
    statement: Statement
    score: float


def masked(statement: Statement, terms: dict[Words, Term]) -> str:
    """Return a statement with ⟦number⟧ for each phrase that is a term."""
    text, last = "", 0
    for number, phrase in enumerate(statement.phrases):
        if phrase.words in terms:
            text += f"{statement.text[last : phrase.start]}⟦{number}⟧"
            last = phrase.end
    return text + statement.text[last:]


def _pairs(statement: Statement, terms: dict[Words, Term], rules: Rules) -> Iterable[tuple[Term, str, Term]]:
    text = masked(statement, terms)
    if text.count("⟦") < 2:
        return
    for type_, patterns in rules.relations.items():
        for pattern in patterns:
            for match in pattern.finditer(text):
                first = statement.phrases[int(match["a"])]
                if rules.topic[0].match(statement.text, first.end) and first not in statement.about:
                    continue  # A of `A は …` is what the sentence is about, not what a clause of it is
                start = terms[first.words]
                for number in _TERM.findall(match["b"]) or [match["b"]]:
                    end = terms[statement.phrases[int(number)].words]
                    if start is not end:
                        yield start, type_, end


def relation_drafts(statements: Iterable[Statement], terms: dict[Words, Term], rules: Rules) -> list[RelationDraft]:
    """Return the relations that the statements show, each once; of two directions of a type the better founded one."""
    evidence: dict[tuple[Term, str, Term], list[Statement]] = defaultdict(list)
    for statement in statements:
        for key in dict.fromkeys(_pairs(statement, terms, rules)):
            evidence[key].append(statement)
    drafts = []
    for (start, type_, end), found in evidence.items():
        turned = evidence.get((end, type_, start), [])
        if (len(turned), end.name) > (len(found), start.name):
            continue
        best = min(found, key=lambda s: (not s.strong, len(s.text), s.text))
        drafts.append(RelationDraft(start, type_, end, best, min(len(found), ENOUGH) / ENOUGH))
    return sorted(drafts, key=lambda draft: (draft.start.name, draft.type, draft.end.name))
