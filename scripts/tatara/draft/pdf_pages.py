"""PDF with text as blocks, by pypdfium2: lines with their size, without running heads and page numbers."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
from pypdfium2 import raw

from tatara.draft.document import HEADING, ITEM, PARAGRAPH, Block
from tatara.draft.lines import join, tidy
from tatara.draft.numbering import LONGEST, has_page, stands_apart
from tatara.files.normalise import normalise
from tatara.files.text import open_bytes
from tatara.job.errors import InputError

LARGER = 1.12  # a line is a heading where its letters are that much larger than those of the text
EDGE = 2  # lines at the top and at the bottom of a page that may be a running head
REPEATED = 0.3  # share of the pages on which a running head stands
LEAST_PAGES = 3
FEWEST = 4  # characters a page; less are the marks of a scanner
_PAGE_NUMBER = re.compile(r"[-–—(\[ ]*(?:p(?:age|\.)? ?)?(?:[0-9]+|[ivxlc]+)(?: ?(?:/|of) ?[0-9]+)?[-–—)\] ]*", re.I)
_ITEM = re.compile(r"(?:[-*・●○•]|[(（][0-9０-９a-zア-ン]{1,2}[)）])")
_END = re.compile(r"[。．.!?！？:：]$")


@dataclass(frozen=True)
class _Line:
    text: str
    size: float
    page: int


def _lines(document: pypdfium2.PdfDocument) -> list[list[_Line]]:
    """Return the lines of each page, each with the size of its first letter in points."""
    pages = []
    for number in range(len(document)):
        page = document[number]
        text_page = page.get_textpage()
        text, start, lines = text_page.get_text_range(), 0, []
        for piece in text.split("\n"):
            shown = tidy(piece)
            if shown:
                first = start + len(piece) - len(piece.lstrip())
                size = raw.FPDFText_GetFontSize(text_page.raw, first)
                lines.append(_Line(shown, round(size, 1), number))
            start += len(piece) + 1
        pages.append(lines)
        text_page.close()
        page.close()
    return pages


def _without_running_heads(pages: list[list[_Line]]) -> list[_Line]:
    """Return the lines without page numbers, and without those at the edges that many pages have, but for a number."""

    def form(line: _Line) -> str:
        return re.sub(r"\d+", "#", normalise(line.text))

    def is_edge(place: int, lines: list[_Line]) -> bool:
        return place < EDGE or place >= len(lines) - EDGE

    counts = Counter(
        shape for lines in pages for shape in {form(line) for place, line in enumerate(lines) if is_edge(place, lines)}
    )
    often = max(LEAST_PAGES, REPEATED * len(pages))
    kept = []
    for lines in pages:
        for place, line in enumerate(lines):
            edge = is_edge(place, lines)
            if not edge or not (_PAGE_NUMBER.fullmatch(line.text) or counts[form(line)] >= often):
                kept.append(line)
    return kept


def _bookmarks(document: pypdfium2.PdfDocument) -> dict[tuple[int, str], int]:
    """Return page and name of each bookmark -> its level, 1 for the highest."""
    found = {}
    for mark in document.get_toc():
        target = mark.get_dest()
        if target is not None and target.get_index() is not None:
            found[target.get_index(), normalise(mark.get_title())] = mark.level + 1
    return found


def _paragraphs(lines: list[_Line], marks: dict[tuple[int, str], int]) -> list[Block]:
    sizes = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0]
    lengths = sorted(len(line.text) for line in lines if line.size == body)
    longest = lengths[int(0.9 * (len(lengths) - 1))]
    levels = {
        size: level for level, size in enumerate(sorted((s for s in sizes if s >= LARGER * body), reverse=True), 1)
    }
    blocks, kept = [], []

    def flush() -> None:
        if kept:
            blocks.append(Block(ITEM if _ITEM.match(kept[0].text) else PARAGRAPH, join(line.text for line in kept)))
            kept.clear()

    for line in lines:
        marked = marks.get((line.page, normalise(line.text)))
        large = line.size in levels and len(line.text) <= LONGEST
        listed = has_page(line.text) and ("…" in line.text or ".." in line.text or "・・" in line.text)
        if marked or large:
            flush()
            level = marked if marks else levels[line.size]
            blocks.append(Block(HEADING, line.text, level or 0, bold=True))
        elif listed or stands_apart(line.text):
            flush()
            blocks.append(Block(PARAGRAPH, line.text, contents=listed))
        else:
            if _ITEM.match(line.text):
                flush()
            kept.append(line)
            if len(line.text) < 0.7 * longest or _END.search(line.text):
                flush()
    flush()
    return blocks


def pdf_blocks(path: Path) -> list[Block]:
    """Return the blocks of a PDF. Headings are its bookmarks, else what is set larger than the text.

    Raises:
        InputError: no such file, one that is no PDF or needs a password, or a scanned one, which has no text.
    """
    with open_bytes(path) as file:
        try:
            document = pypdfium2.PdfDocument(file.read())
        except pypdfium2.PdfiumError as error:
            raise InputError(
                f"{path}: not a PDF that can be read ({error}); save it again, without a password"
            ) from None
    try:
        pages = _lines(document)
        if sum(len(line.text) for lines in pages for line in lines) < FEWEST * len(pages):
            raise InputError(
                f"{path}: no text on its {len(pages)} pages: it was scanned. Make it searchable by OCR first "
                "(ocrmypdf, or the scanner's own program), or give the text as Markdown or DOCX"
            )
        return _paragraphs(_without_running_heads(pages), _bookmarks(document))
    finally:
        document.close()
