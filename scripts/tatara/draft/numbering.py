"""Numbers of headings: 第1章, 第2-1章, 第２節, Chapter 3, 1.1, １．２, 3.2.1."""

import re
from dataclasses import dataclass

from tatara.draft.lines import close_up, tidy

VOLUME, CHAPTER, SECTION, ITEM = range(4)
LONGEST = 70  # characters of a heading; a longer line is text
_RANKS = {"編": VOLUME, "部": VOLUME, "章": CHAPTER, "節": SECTION, "款": ITEM}
_ENGLISH = {"part": VOLUME, "chapter": CHAPTER, "section": SECTION, "appendix": CHAPTER}
_KANJI = "一二三四五六七八九十百"
_JAPANESE_NUMBER = re.compile(rf"第 ?([0-9]+(?: ?[-.] ?[0-9]+)*|[{_KANJI}]+) ?([編部章節款])(?![^\W\d_]*第)[ :.]*")
_ENGLISH_NUMBER = re.compile(r"(part|chapter|section|appendix) ([0-9]+(?:\.[0-9]+)*|[ivxlc]+|[a-z])\b[ .:-]*", re.I)
_DECIMAL = re.compile(r"([0-9]+(?:[.・][0-9]+)*)[.)]?(?: +|(?<=[.)])|(?=[^\W\d_])(?<=[0-9]))(?=\S)")
_PAGE = re.compile(r"(?:[ .…‥・･]*[.…‥・･]{2,}[ .…‥・･]*|[ \t]+)(?:[0-9]+|[ivxl]+)$")
_SENTENCE_END = re.compile(r"[。！？.!?]$")
_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2010: 0x2D, 0x2212: 0x2D}
_LETTERS = {code: half for code, half in _HALF.items() if chr(half).isalnum()}


@dataclass(frozen=True)
class Title:
    """A heading with a number: its rank, the number as it is cited, the name behind it."""

    rank: int
    number: str
    name: str


def plain(text: str) -> str:
    """Return a heading with single spaces and its ASCII signs in half width, one character for one."""
    return tidy(text).translate(_HALF)


def kanji_number(text: str) -> int:
    """Return the number of 十二, 百三."""
    total, digit = 0, 0
    for sign in text:
        if sign in "十百":
            total += (digit or 1) * {"十": 10, "百": 100}[sign]
            digit = 0
        else:
            digit = _KANJI.index(sign) + 1
    return total + digit


def without_page(text: str) -> str:
    """Return a line of a table of contents without leader dots and page number."""
    return _PAGE.sub("", tidy(text)).strip(" .…‥・･")


def has_page(text: str) -> bool:
    """Return whether a line ends with a page number, as those of a table of contents do."""
    return bool(_PAGE.search(tidy(text)))


def titles(text: str, decimals: bool = False) -> list[Title]:
    """Return the numbered headings of a line: `第3章 水文解析 第1節 水文統計解析` has two.

    Args:
        decimals: whether 1 and 1.1 are read as well; their rank is ITEM and more by depth (1.1 -> ITEM + 1).

    Returns:
        Nothing where the line is too long for a heading, ends as a sentence does, or does not begin with a number.
    """
    line, shown = plain(text), tidy(text).translate(_LETTERS)
    if len(line) > LONGEST or _SENTENCE_END.search(line):
        return []
    found = []
    for pattern in (_JAPANESE_NUMBER, _ENGLISH_NUMBER):
        marks = list(pattern.finditer(line))
        if not marks or marks[0].start() or (pattern is _ENGLISH_NUMBER and not line[0].isupper()):
            continue
        for mark, after in zip(marks, [*marks[1:], None], strict=True):
            name = close_up(shown[mark.end() : after.start() if after else None])
            found.append(_worded(mark, name))
        return [title for title in found if title.name]
    if decimals and (mark := _DECIMAL.match(line)):
        number = mark[1].replace("・", ".")
        return [Title(ITEM + number.count("."), number, close_up(shown[mark.end() :]))]
    return []


def _worded(mark: re.Match, name: str) -> Title:
    if mark[2] in _RANKS:
        number = mark[1].replace(" ", "")
        number = str(kanji_number(number)) if number[0] in _KANJI else number
        return Title(_RANKS[mark[2]], f"第{number}{mark[2]}", name)
    return Title(_ENGLISH[mark[1].lower()], f"{mark[1].capitalize()} {mark[2].upper()}", name)


def stands_apart(line: str) -> bool:
    """Return whether a line is a heading by its number alone: 第1節 …, Chapter 1 …, 1.2 …, but not `1. …`, an item."""
    return any(title.rank != ITEM or "第" in title.number for title in titles(line, decimals=True))
