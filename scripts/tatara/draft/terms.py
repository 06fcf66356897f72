"""Terms, ranked by how much they belong to the documents."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tatara.draft.phrases import Phrase
from tatara.draft.rules import Rules
from tatara.files.normalise import normalise

Words = tuple[str, ...]
TERMS_A_SECTION, LEAST_TERMS = 4, 100  # how many terms are proposed
ALONE = 0.1  # least share of its occurrences in which a term is the whole phrase; others are fragments, as 高水
OFTEN = 10  # occurrences from which one character, such as 堰, is a term
LEAST_COUNT = 2  # a phrase that stands once is as likely chance as a term


@dataclass(frozen=True)
class Term:
    """A term of the documents.

    Attributes:
        words: its normalised words, by which its spellings are one.
        name: the spelling that occurs most often.
        count: how often it stands in the text as a whole phrase.
        score: C-value × inverse document frequency over sections.
    """

    words: Words
    name: str
    count: int
    score: float


class TermCounts:
    """Counts of phrases, as the text is read once.

    A phrase's parts that stand alone elsewhere count as nested in it.
    """

    def __init__(self, rules: Rules):
        self.rules = rules
        self.names: dict[Words, Counter[str]] = defaultdict(Counter)
        self.sections: dict[Words, set[int]] = defaultdict(set)
        self.weak: set[Words] = set()
        self.topics: set[Words] = set()
        self.all_sections: set[int] = set()

    def add(self, text: str, phrases: Iterable[Phrase], section: int) -> None:
        """Count the phrases of a sentence that stands in a section, whose number is any whole number of its own."""
        self.all_sections.add(section)
        for phrase in phrases:
            self.names[phrase.words][text[phrase.start : phrase.end]] += 1
            self.sections[phrase.words].add(section)
            if phrase.weak:
                self.weak.add(phrase.words)

    def add_topic(self, phrases: Iterable[Phrase], sure: bool) -> None:
        """Note what a statement is about, however rare. Where it is `sure`, as of a heading, a weak word is a term."""
        self.topics |= {phrase.words for phrase in phrases if not phrase.weak or sure}
        if sure:
            self.weak -= {phrase.words for phrase in phrases}

    def ranked(self) -> list[Term]:
        """Return the terms that belong to the text most, best first: TERMS_A_SECTION for each section.

        C-value (Frantzi, Ananiadou and Mima 2000, eq. 2, with log2(1 + words) so that single words have a value) lowers
        what mostly stands inside longer terms. It is multiplied by log2(1 + sections / sections with the term), an
        inverse document frequency (Spärck Jones 1972): general words stand in every section.
        """
        counts = {words: sum(names.values()) for words, names in self.names.items()}
        outer: dict[Words, list[int]] = defaultdict(list)
        for words, count in counts.items():
            for part in _parts(words):
                if part in counts:
                    outer[part].append(count)
        terms = []
        for words, count in counts.items():
            name = self.name(words)
            rare = count < LEAST_COUNT and words not in self.topics
            if words in self.weak or rare or name in self.rules.stop or _is_letter(name, count):
                continue
            whole = count + sum(outer[words])
            if count < ALONE * whole:
                continue
            nested = sum(outer[words]) / len(outer[words]) if outer[words] else 0.0
            value = math.log2(1 + len(words)) * (whole - nested) * self._contrast(words)
            terms.append(Term(words, name, count, round(value, 3)))
        most = max(LEAST_TERMS, TERMS_A_SECTION * len(self.all_sections))
        best: dict[str, Term] = {}
        for term in sorted(terms, key=lambda term: (-term.score, term.name, term.words)):
            best.setdefault(normalise(term.name), term)  # the analyser may cut one name in two ways
        return list(best.values())[:most]

    def name(self, words: Words) -> str:
        """Return the spelling of a phrase that occurs most often."""
        return min(self.names[words].items(), key=lambda item: (-item[1], item[0]))[0]

    def lookup(self, terms: list[Term]) -> dict[Words, Term]:
        """Return the term of each phrase that is one, however the analyser cut it."""
        by_name = {normalise(term.name): term for term in terms}
        found = {words: by_name.get(normalise(self.name(words))) for words in self.names}
        return {words: term for words, term in found.items() if term}

    def _contrast(self, words: Words) -> float:
        return math.log2(1 + len(self.all_sections) / len(self.sections[words]))


def _is_letter(name: str, count: int) -> bool:
    """Return whether a name of one character is a symbol, or too rare to be a term."""
    return len(name) < 2 and (name.isascii() or count < OFTEN)


def _parts(words: Words) -> Iterator[Words]:
    """Yield the shorter phrases within a phrase."""
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            yield words[start : start + length]
