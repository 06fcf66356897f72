"""Numbers that places carry in their names: `第3章 堤防`, `3.2 堤防`, `Chapter 3 Levees`, told apart from the name."""

import re

from tatara.data.toc import Toc
from tatara.files.normalise import squeeze

_DIGITS = r"[0-9０-９一二三四五六七八九十百]+"
_JAPANESE = rf"第\s*{_DIGITS}(?:[-−‐–.．の]{_DIGITS})*\s*"
_DOTTED = r"[0-9０-９]+(?:[.．\-−‐–][0-9０-９]+)+"
_WESTERN = r"(?:Part|Chapter|Section|Appendix|§)\s*[0-9A-Z]+(?:[.\-][0-9]+)*"
_NUMBER = re.compile(
    rf"({_JAPANESE}[編章節款])(?![ぁ-ん])[\s.．:：、]*(?=\S)"  # ends by itself, but not in 第1章のまとめ
    rf"|({_JAPANESE}[部項目条]|{_DOTTED}|{_WESTERN})[.．:：、]?\s+(?=\S)"
)
_SIGNS, _SPACES = ".．:：、", " \t\u3000"  # what may stand between a number and a name


def _without(name: str, number: str) -> str:
    """Return a name without a number in front of it, as it is where it has none, or is nothing else."""
    rest = name.removeprefix(number)
    after = rest.lstrip(_SIGNS)
    ends = number[-1:] in tuple("編章節款") and not re.match("[ぁ-ん]", rest)
    apart = after[:1] in tuple(_SPACES) or ends or (after != rest and not after[:1].isdigit())
    return after.lstrip(_SPACES) if number and rest != name and apart and after.strip(_SPACES) else name


def split_number(number: str, name: str, toc: Toc) -> tuple[str, str]:
    """Return the number and the name of a place of the table of contents, the name without the number.

    What has no number in front of its name stays as it is. So does a name that the table of contents has as it is, and
    not with the two parted by one space.

    Args:
        number: of the node, "" where its name alone carries it.
        toc: its numbers are known as such, whatever they look like, and are taken as it writes them.
    """
    if number:
        return number, _without(name, number)
    if match := _NUMBER.match(name):
        own = match[1] or match[2]
        spelled = {squeeze(other): other for other in toc.numbers}
        parted = spelled.get(squeeze(own), own), name[match.end() :]
    elif known := next((own for own in toc.numbers if _without(name, own) != name), ""):
        parted = known, _without(name, known)
    else:
        return number, name
    return ("", name) if name in toc.titles and " ".join(parted) not in toc.titles else parted
