"""Tables of contents: which lines of a document belong to one, and what they list."""

import re
from dataclasses import dataclass

from tatara.draft.document import CODE, HEADING, ROW, Block, Document
from tatara.draft.lines import close_up
from tatara.draft.numbering import LONGEST, Title, has_page, plain, titles, without_page

_HEAD = re.compile(
    r"(?P<of>.*?)(?:の|[:\- ])*(?:目 ?次(?:構成|一覧)?|(?:table of )?contents)(?: of )?(?P<of_after>.*)", re.I
)
SHORTEST_RUN = 6  # numbered headings after one another without text are a table of contents


@dataclass(frozen=True)
class Entry:
    """A line of a table of contents.

    Attributes:
        block: its position among the document's blocks.
        titles: the numbered headings of the line.
        name: the line without number and page.
        target: the anchor that it leads to.
        of: the document that the table of contents is about, where its heading names one; else empty.
    """

    block: int
    titles: tuple[Title, ...]
    name: str
    target: str
    of: str


def contents_head(block: Block) -> str | None:
    """Return the document that a heading such as 調査編の目次構成 names, empty for 目次, None for any other block."""
    line = plain(block.text)
    match = _HEAD.fullmatch(line) if len(line) <= LONGEST else None
    if block.kind in (ROW, CODE) or not match or block.target:
        return None
    group = "of" if match["of"] else "of_after"
    named = block.text[match.start(group) : match.end(group)].strip(" :：-")
    return named if not named or block.kind == HEADING or block.bold else None


def _is_entry(block: Block) -> bool:
    if block.kind in (ROW, CODE, HEADING) or block.bold:
        return False
    text = without_page(block.text)
    return bool(block.contents or block.target or titles(text, decimals=True)) or (
        has_page(block.text) and len(text) <= LONGEST
    )


def _runs(blocks: list[Block]) -> list[tuple[int, int, str]]:
    """Return (first, behind last, document that it is about) of each table of contents."""
    found, number = [], 0
    while number < len(blocks):
        head = contents_head(blocks[number])
        first = number + (head is not None)
        last = first
        while last < len(blocks) and _is_entry(blocks[last]):
            last += 1
        marked = last > first and all(b.contents or b.target for b in blocks[first:last])
        numbered = last - first >= SHORTEST_RUN and bool(titles(blocks[first].text))
        if last > first and (head is not None or marked or numbered):
            found.append((first, last, head or _head_above(blocks, first)))
        number = max(last, number + 1)
    return found


def _head_above(blocks: list[Block], first: int) -> str:
    for block in reversed(blocks[max(0, first - 4) : first]):
        if head := contents_head(block):
            return head
    return ""


def contents_entries(document: Document) -> list[Entry]:
    """Return the lines of the tables of contents of a document, in its order."""
    entries = []
    for first, last, of in _runs(document.blocks):
        for number in range(first, last):
            block = document.blocks[number]
            text = without_page(block.text) if has_page(block.text) else block.text
            found = tuple(titles(text) or titles(text, decimals=True))
            name = found[-1].name if found else close_up(text)
            entries.append(Entry(number, found, name, block.target, of))
    return entries
