"""Lines of a paragraph joined to one: Japanese without a space, other scripts with one."""

import re
import unicodedata
from collections.abc import Iterable

_SPACES = re.compile(r"[ \t\u00a0\u3000]+")
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff\u00ad\x00-\x08\x0b-\x1f]")
_SPACE_BETWEEN_WIDE = re.compile(r"(?<=[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]) (?=[\u3001-\u30ff\u4e00-\u9fff])")


def is_wide(character: str) -> bool:
    """Return whether a character takes the width of two, as Japanese ones do."""
    return unicodedata.east_asian_width(character) in "WF"


def width(text: str) -> int:
    """Return how many columns a text takes in a fixed font."""
    return sum(1 + is_wide(character) for character in text)


def tidy(text: str) -> str:
    """Return the text with single spaces, and without characters that nobody sees."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def join(lines: Iterable[str]) -> str:
    """Return lines as one: a space parts them, but between two wide characters."""
    text = ""
    for line in map(tidy, lines):
        if text and line and not (is_wide(text[-1]) or is_wide(line[0])):
            text += " "
        text += line
    return text


def half_width(text: str) -> str:
    """Return the text with ASCII letters, digits and signs in half width; Japanese stays as it is."""
    return "".join(
        unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c for c in text.replace("\u3000", " ")
    )


def close_up(text: str) -> str:
    """Return the text without the spaces that were set between wide characters for the look (総　説, 河 川 編)."""
    return _SPACE_BETWEEN_WIDE.sub("", tidy(text))
