"""Noun phrases of a text: Japanese ones by the morphological analyser SudachiPy, others by their words alone."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tatara.draft.rules import Rules

LONGEST_INPUT = 16000  # characters that SudachiPy takes at once: 49,149 bytes
LONGEST_PHRASE = 8  # words


@dataclass(frozen=True)
class Phrase:
    """A noun phrase.

    Attributes:
        words: its words, normalised; the same for spellings that the dictionary takes for one.
        start, end: character span in the text.
        weak: it is one word, which names an action or says how something is, as 管理 and 必要 do.
    """

    words: tuple[str, ...]
    start: int
    end: int
    weak: bool = False


Finder = Callable[[str], list[Phrase]]
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_][\w'-]*|\d[\w.,]*|[^\w\s]")
_HIRAGANA = re.compile(r"[\u3041-\u3096]+")
_KANJI = re.compile(r"[\u4e00-\u9fff々]+")
_WEAK = ("助数詞可能", "助数詞", "サ変可能", "副詞可能", "サ変形状詞可能", "形状詞可能")
_NOUN = ("普通名詞", "固有名詞")


@dataclass(frozen=True)
class _Token:
    surface: str
    word: str
    start: int
    end: int
    noun: bool
    weak: bool = False
    adjective: bool = False


def _trimmed(tokens: list[_Token], rules: Rules) -> list[_Token]:
    """Return a run of nouns without words that stand at no end of a term."""
    while tokens and tokens[0].surface in rules.trim_start:
        tokens = tokens[1:]
    while tokens and (tokens[-1].surface in rules.trim_end or tokens[-1].adjective):
        tokens = tokens[:-1]
    return tokens


def _phrases(tokens: list[_Token], rules: Rules) -> list[Phrase]:
    found, run = [], []
    for token in [*tokens, None]:
        if token and token.noun:
            run.append(token)
            continue
        kept = _trimmed(run, rules)
        surface = "".join(part.surface for part in kept)
        if kept and len(kept) <= LONGEST_PHRASE and _LETTER.search(surface):
            weak = len(kept) == 1 and (kept[0].weak or surface in rules.stop)
            found.append(Phrase(tuple(part.word for part in kept), kept[0].start, kept[-1].end, weak))
        run = []
    return found


def _is_noun(parts: Sequence, number: int, rules: Rules) -> bool:
    """Return whether SudachiPy's morpheme is a part of a noun phrase."""
    surface = parts[number].surface()
    first, second, third, _, _, form = parts[number].part_of_speech()
    if _HIRAGANA.fullmatch(surface) and surface in rules.stop:
        return False  # こと, ため and others that have no sense of their own join nothing
    if first == "名詞" and second == "数詞":
        # 一次元 and 2点法 are words, 2回 and 10日 are quantities.
        return number + 1 < len(parts) and parts[number + 1].part_of_speech()[2] not in ("助数詞可能", "助数詞")
    if third in ("助数詞可能", "助数詞") and number and parts[number - 1].part_of_speech()[1] == "数詞":
        return False  # 3回, but 粗度 and 排水機場
    if first in ("名詞", "接尾辞"):
        return second in (*_NOUN, "名詞的")
    if first in ("動詞", "形容詞"):
        # The analyser takes 床固工 and すり付け工 apart: a verb before a word of one character belongs to it.
        after = parts[number + 1].surface() if number + 1 < len(parts) else ""
        stem = form.startswith("連用形") and _KANJI.fullmatch(after) and len(after) == 1
        return bool(_KANJI.fullmatch(surface) or (stem and len(surface) > 2))
    return first in ("接頭辞", "形状詞") and not surface.endswith("的")


def japanese(rules: Rules) -> Finder:
    """Return a finder of Japanese noun phrases: runs of nouns, prefixes and suffixes in SudachiPy's longest units."""
    from sudachipy import Dictionary, SplitMode

    tokenizer = Dictionary(dict="core").tokenizer(mode=SplitMode.C)

    def find(text: str) -> list[Phrase]:
        tokens = []
        for start in range(0, len(text), LONGEST_INPUT):
            parts = list(tokenizer.tokenize(text[start : start + LONGEST_INPUT]))
            for number, part in enumerate(parts):
                first, _, third, *_ = part.part_of_speech()
                word = unicodedata.normalize("NFKC", part.normalized_form())
                weak = third in _WEAK or first not in ("名詞", "接尾辞")
                noun = _is_noun(parts, number, rules)
                span = (start + part.begin(), start + part.end())
                tokens.append(_Token(part.surface(), word, *span, noun, weak, adjective=first == "形状詞"))
        return _phrases(tokens, rules)

    return find


def by_words(rules: Rules) -> Finder:
    """Return a finder of phrases between stop words and punctuation (RAKE: Rose et al. 2010, Text Mining, ch. 1)."""

    def find(text: str) -> list[Phrase]:
        found, run = [], []
        for match in [*_WORD.finditer(text), None]:
            word = match[0].lower() if match else ""
            beside = bool(run) and match is not None and text[run[-1].end() : match.start()] == " "
            if match and word not in rules.stop and _LETTER.match(word) and (beside or not run):
                run.append(match)
                continue
            words = [part[0].lower() for part in run]
            if words and len(words) <= LONGEST_PHRASE // 2 and len(" ".join(words)) > 2:
                found.append(Phrase(tuple(map(_singular, words)), run[0].start(), run[-1].end()))
            run = [match] if match and word not in rules.stop and _LETTER.match(word) else []
        return found

    return find


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def phrase_finder(rules: Rules) -> Finder:
    """Return the finder of a language's noun phrases."""
    return japanese(rules) if rules.language == "ja" else by_words(rules)
