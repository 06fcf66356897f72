"""Sentences of a document, and those that can stand alone as statements, shortened by rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tatara.draft.document import CODE, HEADING, ROW
from tatara.draft.lines import close_up, half_width
from tatara.draft.outline import Outline, Place
from tatara.draft.phrases import Finder, Phrase
from tatara.draft.rules import REQUIREMENT, Rules

_OPEN, _CLOSE = "(（「『[［", ")）」』]］"
CONDITION = "condition"
FROM = "から"  # 春から夏の内検, but not 観点から妥当性
JOINTS = ("の", "と", "及び", "・", "や", FROM, " of the ", " of ", " of a ")  # within a noun phrase


@dataclass(frozen=True)
class Sentence:
    """A sentence as it stands in its document.

    Attributes:
        outline: the document that it stands in.
        place: its chapter, section and heading.
        start, end: character span in the document's text.
    """

    outline: Outline
    place: Place
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """A whole sentence, made shorter.

    Attributes:
        kind: one of the kinds of facts; empty where it is none, but may still show how two terms are related.
        topic: the noun phrase that it is about.
        about: the phrases of the topic.
        strong: it states a rule, or a definition.
    """

    sentence: Sentence
    text: str
    kind: str
    topic: str
    about: tuple[Phrase, ...]
    phrases: tuple[Phrase, ...]
    strong: bool


def _spans(text: str, rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield the spans of a text's sentences; an end within brackets is none."""
    start = depth = 0
    for match in rules.sentence.finditer(text):
        part = match[0]
        depth += sum(part.count(sign) for sign in _OPEN) - sum(part.count(sign) for sign in _CLOSE)
        if depth > 0:
            continue
        yield start, match.end()
        start, depth = match.end(), 0
    if text[start:].strip():
        yield start, len(text)


def sentences(outline: Outline, rules: Rules) -> Iterator[Sentence]:
    """Yield the sentences of a document's text, in order; rows of tables and code have none."""
    for number, place in outline.places.items():
        block = outline.document.blocks[number]
        if block.kind in (ROW, CODE, HEADING) or place.chapter is None:
            continue
        for start, end in _spans(block.text, rules):
            piece = block.text[start:end]
            left = len(piece) - len(piece.lstrip())
            text = piece.strip()
            if text:
                first = block.start + start + left
                yield Sentence(outline, place, text, first, first + len(text))


def shortened(text: str, rules: Rules) -> str:
    """Return a sentence without what points elsewhere: references, citations in brackets, leading conjunctions."""
    text, before = close_up(half_width(text)), None
    while text != before:
        before = text
        for pattern, replacement in rules.shorten:
            text = pattern.sub(replacement, text).strip()
    if rules.language == "ja":
        text = text.replace(",", "、").replace("(", "（").replace(")", "）")
        text = re.sub(r"(?<=[0-9])、(?=[0-9]{3})", ",", text)
        return re.sub(r"(?<![0-9]) | (?![0-9A-Za-z])", "", text)
    return text[:1].upper() + text[1:]


def _balanced(text: str) -> bool:
    pairs = zip(_OPEN, _CLOSE, strict=True)
    return all(text.count(one) == text.count(other) for one, other in pairs)


def _topic(text: str, phrases: list[Phrase], rules: Rules) -> tuple[int, int] | None:
    """Return the span of the noun phrase that a sentence is about: the first that a marker such as は follows.

    Phrases that の or `of` joins belong to it.
    """
    for turn, pattern in enumerate(rules.topic):
        # A subject stands early; an object that is acted upon stands last.
        numbered = list(enumerate(phrases))
        for number, phrase in reversed(numbered) if turn == 1 else numbered:
            name = text[phrase.start : phrase.end]
            if name in rules.trim_end or not pattern.match(text, phrase.end):
                continue
            start = _joined(text, phrases[: number + 1], rules)
            if start < phrase.start or name not in rules.stop:  # 形状 alone is no topic, 放流設備の形状 is
                return start, phrase.end
    return None


def _joined(text: str, phrases: list[Phrase], rules: Rules) -> int:
    """Return where the last phrase begins, with those before it that are joined to it."""
    start = phrases[-1].start
    for earlier in reversed(phrases[:-1]):
        joint = text[earlier.end : start]
        if joint not in JOINTS or (joint == FROM and text[earlier.start : earlier.end] in rules.stop):
            break
        start = earlier.start
    return start


def kind_of(text: str, rules: Rules) -> str | None:
    """Return the first kind of fact whose pattern a sentence has."""
    kind = next((kind for kind, pattern in rules.kinds.items() if pattern.search(text)), None)
    return CONDITION if kind == REQUIREMENT else kind


def _is_whole(text: str, rules: Rules) -> bool:
    if len(text) > rules.length[1] or not rules.sentence.fullmatch(text) or not _balanced(text):
        return False
    return not rules.refuse_start.search(text) and not rules.refuse.search(text)


def statement(sentence: Sentence, rules: Rules, find: Finder) -> Statement | None:
    """Return what a sentence states; None where it is no whole sentence, or points elsewhere."""
    text = shortened(sentence.text, rules)
    if not _is_whole(text, rules):
        return None
    phrases = find(text)
    span = _topic(text, phrases, rules)
    if span is None:
        return None
    fits = len(text) >= rules.length[0] and rules.subject.search(text)
    kind = (kind_of(text, rules) if fits else None) or ""
    about = tuple(phrase for phrase in phrases if span[0] <= phrase.start and phrase.end <= span[1])
    return Statement(sentence, text, kind, text[slice(*span)], about, tuple(phrases), bool(rules.strong.search(text)))
