"""DOCX as blocks, by python-docx."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

from tatara.draft.document import HEADING, ITEM, PARAGRAPH, Block, row
from tatara.draft.lines import join
from tatara.files.text import open_bytes
from tatara.job.errors import InputError

_HEADING = re.compile(r"(?:heading|見出し) ?([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|目次) ?[1-9]", re.IGNORECASE)
_TITLE = ("Title", "表題")


def _style_names(paragraph: Paragraph) -> list[str]:
    """Return the names of a paragraph's style and of those that it is based on."""
    names, style = [], paragraph.style
    while style is not None:
        names.append(style.name or "")
        style = style.base_style
    return names


def _outline_level(paragraph: Paragraph) -> int:
    """Return the level that the paragraph or its style sets for the outline, 1 for the highest, 0 for text."""
    elements, style = [paragraph._p], paragraph.style
    while style is not None:
        elements.append(style.element)
        style = style.base_style
    for element in elements:
        for level in element.iterfind(f"{qn('w:pPr')}/{qn('w:outlineLvl')}"):
            value = int(level.get(qn("w:val")))
            return value + 1 if value < 9 else 0  # 9 is body text
    return 0


def _level(paragraph: Paragraph, names: list[str]) -> int:
    """Return the level of a heading, below that of the document's title, which is 1; 0 for text."""
    if names and names[0] in _TITLE:
        return 1
    found = next((match for name in names if (match := _HEADING.fullmatch(name.strip()))), None)
    level = int(found[1]) if found else _outline_level(paragraph)
    return level + 1 if level else 0


def _text(paragraph: Paragraph) -> str:
    # A tab before a page number or behind a heading's number is a space.
    return join(paragraph.text.replace("\t", " ").split("\n"))


def _block(paragraph: Paragraph) -> Block:
    names = _style_names(paragraph)
    level = _level(paragraph, names)
    numbered = paragraph._p.pPr is not None and paragraph._p.pPr.numPr is not None
    listed = numbered or any(name.startswith("List") for name in names)
    kind = HEADING if level else ITEM if listed else PARAGRAPH
    runs = [run for run in paragraph.runs if run.text.strip()]
    anchors = tuple(mark.get(qn("w:name"), "") for mark in paragraph._p.iterfind(qn("w:bookmarkStart")))
    contents = any(_CONTENTS.fullmatch(name.strip()) for name in names)
    bold = bool(runs) and all(run.bold for run in runs)
    return Block(kind, _text(paragraph), level, bold, anchors, contents=contents)


def _blocks(part: WordDocument | _Cell) -> Iterator[Block]:
    for item in part.iter_inner_content():
        if isinstance(item, Paragraph):
            yield _block(item)
        elif isinstance(item, Table):
            yield from _table_blocks(item)


def _table_blocks(table: Table) -> Iterator[Block]:
    """Yield the rows of a table; a table of one column is a box around text."""
    for line in table.rows:
        cells = list({id(cell._tc): cell for cell in line.cells}.values())  # a joined cell stands once
        if len(cells) == 1:
            yield from _blocks(cells[0])
        else:
            yield row([join(cell.text.split("\n")) for cell in cells])


def docx_blocks(path: Path) -> list[Block]:
    """Return the blocks of a Word document: its body, without heads, feet and notes.

    Numbers that Word counts itself are no text, and are not in the blocks.

    Raises:
        InputError: no such file, or one that is no DOCX (an old .doc, or encrypted).
    """
    try:
        with open_bytes(path) as file:
            document = docx.Document(file)
            return list(_blocks(document))
    except (zipfile.BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise InputError(
            f"{path}: not a DOCX file that can be read ({error}); save it as .docx from Word or LibreOffice, without "
            "a password"
        ) from None
