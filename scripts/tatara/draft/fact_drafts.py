"""Facts of a draft: statements with the node that each is about, its terms, and a score."""

from collections.abc import Iterable
from dataclasses import dataclass

from tatara.draft.outline import Outline, Place
from tatara.draft.statements import Statement
from tatara.draft.terms import Term, Words
from tatara.files.normalise import normalise

MOST_KEY_TERMS = 3
SHORT = 90  # characters; longer sentences more often say two things


@dataclass(frozen=True)
class FactDraft:
    """A statement that is proposed as a fact.

    Attributes:
        node: the term that it is about, or None where it belongs to its section.
        terms: terms that it holds, best first.
        score: share of five signs of a good fact that it has.
    """

    statement: Statement
    node: Term | None
    terms: tuple[Term, ...]
    score: float

    @property
    def key_terms(self) -> list[Term]:
        """The terms that every wording of the fact has to hold: what it is about, and the best others."""
        order = sorted(self.terms, key=lambda term: term is not self.node)
        return [term for term in order if term.name in self.statement.text][:MOST_KEY_TERMS]


def place_key(outline: Outline, place: Place) -> tuple[str, str, str]:
    """Return volume, chapter and section of a place as they are named in the outline, to tell places apart."""
    chapter, section = place.chapter, place.section
    return (
        outline.volume.name,
        f"{chapter.number} {chapter.name}" if chapter else "",
        f"{section.number} {section.name}" if section else "",
    )


def _in(statement: Statement, terms: dict[Words, Term]) -> list[Term]:
    found = {terms[phrase.words] for phrase in statement.phrases if phrase.words in terms}
    return sorted(found, key=lambda term: (-term.score, term.name))


def fact_drafts(statements: Iterable[Statement], terms: dict[Words, Term]) -> list[FactDraft]:
    """Return the statements as facts; of two that are the same but for punctuation, the first is taken."""
    seen, drafts = set(), []
    for statement in statements:
        form = normalise(statement.text)
        if form in seen:
            continue
        seen.add(form)
        held = _in(statement, terms)
        topical = [terms[phrase.words] for phrase in statement.about if phrase.words in terms]
        node = max(topical, key=lambda term: (term.score, term.name), default=None)
        # A topic of one general word, as 共有 or 検討, is nothing that one could ask for, unless it is a term here.
        if not topical and all(phrase.weak for phrase in statement.about[:1]) and len(statement.about) == 1:
            continue
        specific = len(statement.about) > 1 or len(statement.about[0].words) > 1
        signs = (node is not None, len(held) > 1, statement.strong, len(statement.text) <= SHORT, specific)
        drafts.append(FactDraft(statement, node, tuple(held), sum(signs) / len(signs)))
    return drafts
