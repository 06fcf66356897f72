"""The one shape that every reader gives: blocks of text, in the order in which a person reads them."""

from dataclasses import dataclass, field, replace
from functools import cached_property

HEADING, PARAGRAPH, ITEM, ROW, CODE = "heading", "paragraph", "item", "row", "code"
BETWEEN_CELLS = " | "


@dataclass(frozen=True)
class Block:
    """A piece of a document: a heading, a paragraph, an item of a list, a row of a table, or code.

    Attributes:
        kind: HEADING, PARAGRAPH, ITEM, ROW or CODE.
        text: without markup, on one line.
        level: of a heading by the format's own styles, 1 for the highest; 0 where the format says nothing.
        bold: the whole text is set in bold or larger than the rest, as titles are where no style marks them.
        anchors: names by which links lead here.
        target: name that the block, which is one link within its document, leads to.
        contents: the format says that this is a line of the table of contents.
        cells: of a ROW.
        start, end: character span in the document's text.
    """

    kind: str
    text: str
    level: int = 0
    bold: bool = False
    anchors: tuple[str, ...] = ()
    target: str = ""
    contents: bool = False
    cells: tuple[str, ...] = ()
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Document:
    """A file that was read.

    Attributes:
        name: the file's name without its ending, the name of its text in OUT/draft/text.
        path: the file, for messages and for the column `file`.
        blocks: each with its span in `text`.
    """

    name: str
    path: str
    blocks: list[Block]

    @cached_property
    def text(self) -> str:
        """The blocks, one a line."""
        return "".join(f"{block.text}\n" for block in self.blocks)


def make_document(name: str, path: str, blocks: list[Block]) -> Document:
    """Return a document of the blocks that have text, each with its span."""
    placed, start = [], 0
    for block in blocks:
        if block.text:
            placed.append(replace(block, start=start, end=start + len(block.text)))
            start += len(block.text) + 1
    return Document(name, path, placed)


def row(cells: list[str]) -> Block:
    """Return a row of a table."""
    return Block(ROW, BETWEEN_CELLS.join(filter(None, cells)), cells=tuple(cells))
