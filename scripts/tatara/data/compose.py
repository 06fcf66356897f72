"""Questions and answers from a template and a relation: slots filled, lines chosen, sentences put together."""

import re
import unicodedata

from tatara.data.fact_choice import Ledger
from tatara.data.fact_places import Around
from tatara.data.slots import SENTENCES, View
from tatara.data.templates import FACTS, SLOT, Template

# A sentence and the closing brackets after it; text without an end is one sentence.
_SENTENCE = re.compile(r"[^。]*。[」）]*|[^。]+")
# Brackets after a sentence; inside, one more level as in 維持管理編（河川編）.
_BRACKETED = r"（(?:[^（）]|（[^（）]*）)*）"
_BRACKETS = re.compile(f"。({_BRACKETED})")
# An end of a sentence, or a sign that what follows belongs to it; closing quotes and one pair of brackets may follow.
_ENDED = re.compile(rf"[。．｡.！？!?…‥؟।॥۔：:、，,；;][」』）)】》”’\"']*(?:{_BRACKETED}|\([^()]*\))?\s*$")
_WIDE = "WF"  # East Asian widths of scripts that are written without spaces


class UnfilledSlot(Exception):
    """A slot that the graph has no value for; its argument is the slot."""


def _wide(text: str) -> bool:
    """Return whether a text ends in a script that is written without spaces; combining marks do not count."""
    letters = [letter for letter in text.rstrip()[-8:] if unicodedata.category(letter)[0] != "M"]
    return bool(letters) and unicodedata.east_asian_width(letters[-1]) in _WIDE


def ended(text: str) -> str:
    """Return a text with an end: 。 or, in a script that is written with spaces, a full stop where it has none."""
    if text.endswith("。"):  # nearly all texts
        return text
    return text if not text or _ENDED.search(text) else text.rstrip() + ("。" if _wide(text) else ".")


def _spaced(before: str, after: str) -> bool:
    """Return whether a space belongs between two sentences that have none there."""
    if before[-1].isspace() or after[:1].isspace():
        return False
    return not _wide(before) and unicodedata.east_asian_width(after[:1] or "。") not in _WIDE


def joined(sentences: list[str]) -> str:
    """Return sentences one after another, with a space between two of a script that is written with spaces."""
    pieces: list[str] = []
    for sentence in sentences:
        if pieces and not pieces[-1].endswith("。") and _spaced(pieces[-1], sentence):
            pieces.append(" ")
        pieces.append(sentence)
    return "".join(pieces)


def listed(names: list[str]) -> str:
    """Return names as a list in the manner of their script."""
    return ("、" if _wide(names[0]) else ", ").join(names)


def fill(text: str, view: View, turn: int, mended: list[str] | None = None) -> str:
    """Return the text with its slots filled.

    A description or a reason right before another slot is a sentence of its own, and gets an end where it has none.

    Args:
        turn: which of several neighbours a path leads to.
        mended: takes the values that got an end.

    Raises:
        UnfilledSlot: the graph has nothing for one of them.
    """

    def value(match: re.Match) -> str:
        filled = view.value(match[1], turn)
        if not filled:
            raise UnfilledSlot(match[1])
        is_sentence = match[1].rpartition(".")[2] in SENTENCES
        return _mend(filled, mended) if is_sentence and text[match.end() :].startswith("{") else filled

    return SLOT.sub(value, text)


def _mend(text: str, mended: list[str] | None) -> str:
    whole = ended(text)
    if whole != text and mended is not None:
        mended.append(text)
    return whole


class _Answer:
    """The lines of one composition, as they are chosen."""

    def __init__(self, template: Template, number: int, view: View, turn: int):
        self.template, self.view, self.turn = template, view, turn
        self.lines = template.answers[number % len(template.answers)]
        self.chosen: dict[int, list[str]] = {}
        self.mended: dict[int, list[str]] = {index: [] for index in range(len(self.lines))}
        self.seen: set[str] = set()
        self.total = 0

    def sentences(self, index: int) -> list[str]:
        mended = self.mended[index]
        return _SENTENCE.findall(_mend(fill(self.lines[index].text, self.view, self.turn, mended), mended))

    def nearer(self, more: list[str]) -> bool:
        """Return whether sentences bring the answer nearer to its aim, and are new to it."""
        longer, template = self.total + sum(map(len, more)), self.template
        shrinks = longer <= template.most and abs(longer - template.aim) < abs(self.total - template.aim)
        return shrinks and self.seen.isdisjoint(more)

    def take(self, index: int, more: list[str]) -> None:
        self.chosen.setdefault(index, []).extend(more)
        self.seen.update(more)
        self.total += sum(map(len, more))

    def text(self) -> str:
        pieces = [sentence for index in sorted(self.chosen) for sentence in self.chosen[index]]
        return _BRACKETS.sub(r"\1。", joined(pieces))


def _take_facts(answer: _Answer, index: int, ledger: Ledger, around: Around, used: list[str]) -> None:
    """Take facts into the place of `{facts}` while they bring the answer nearer to its aim."""
    view = answer.view
    taken = {ledger.position(view.fact)} if view.fact else set()
    while True:
        for position in ledger.candidates(around, answer.template.intent, taken):
            sentence = ledger.sentence(position, view.evidence)
            if answer.nearer([sentence]):
                answer.take(index, [sentence])
                used.append(ledger.use(position))
                taken.add(position)
                break
        else:
            return


def compose(
    template: Template,
    number: int,
    view: View,
    turn: int,
    ledger: Ledger | None = None,
    around: Around | None = None,
) -> tuple[str, list[str], list[str]]:
    """Return the answer to wording `number`, what of it got an end since it had none, and the facts that it holds.

    The answer has the required lines, then facts, and optional ones until it comes nearest to the aim. A required
    sentence that it already has is left out; an optional line is used only when none of its sentences is there.
    Brackets that follow a sentence are taken into it.

    Args:
        ledger, around: what `{facts}` stands for; None for a graph without facts.

    Raises:
        UnfilledSlot: a required line has a slot without a value.
    """
    answer = _Answer(template, number, view, turn)
    for index, line in enumerate(answer.lines):
        if not line.optional:
            answer.take(
                index, [sentence for sentence in dict.fromkeys(answer.sentences(index)) if sentence not in answer.seen]
            )
    used: list[str] = [ledger.use(ledger.position(view.fact))] if ledger and view.fact else []
    if ledger and around:
        for index, line in enumerate(answer.lines):
            if line.text == FACTS:
                _take_facts(answer, index, ledger, around, used)
    optional = [index for index, line in enumerate(answer.lines) if line.optional and line.text != FACTS]
    first = turn % len(optional) if optional else 0
    for index in optional[first:] + optional[:first]:
        try:
            more = answer.sentences(index)
        except UnfilledSlot:
            continue
        if answer.nearer(more):
            answer.take(index, more)
    return answer.text(), [text for index in sorted(answer.chosen) for text in answer.mended[index]], used
