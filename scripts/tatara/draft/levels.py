"""The outline of a document by the levels of its headings, where no heading says 第1章 or Chapter 1."""

from collections import Counter
from pathlib import Path

from tatara.draft.contents import contents_entries, contents_head
from tatara.draft.document import HEADING, ITEM, Document
from tatara.draft.headings import is_marked, is_short
from tatara.draft.lines import close_up
from tatara.draft.numbering import ITEM as ITEM_RANK
from tatara.draft.numbering import titles
from tatara.draft.outline import Chapter, Outline, Place, Section, Volume, merged


def _depths(document: Document, skipped: set[int]) -> dict[int, int]:
    """Return the depth of each heading by its position: its style's level, else the parts of its number."""
    blocks = [(number, block) for number, block in enumerate(document.blocks) if number not in skipped]
    styled = {number: block.level for number, block in blocks if block.kind == HEADING and block.level}
    if styled:
        return styled
    found = {}
    for number, block in blocks:
        numbered = titles(block.text, decimals=True) if is_short(block) and block.kind != ITEM else []
        if numbered:
            found[number] = (numbered[0].rank - ITEM_RANK + 1, is_marked(block))
        elif is_marked(block):
            found[number] = (1, True)
    deep = any(depth > 1 for depth, _ in found.values())
    # `1. …` alone is an item of a list; beside 1.1, or set in bold, it is a heading.
    return {number: depth for number, (depth, marked) in found.items() if marked or deep or depth > 1}


def _is_title(document: Document, depths: dict[int, int]) -> bool:
    """Return whether the first heading is the document's title: the only one of the highest level, without a number."""
    counts, first = Counter(depths.values()), min(depths)
    top = min(counts)
    numbered = titles(document.blocks[first].text, decimals=True)
    return depths[first] == top and counts[top] == 1 and len(counts) > 1 and not numbered


def read_levels(document: Document, volume: Volume) -> Outline:
    """Return the outline of a document by levels; it has no chapter where there is no heading at all."""
    outline = Outline(document, volume)
    skipped = {entry.block for entry in contents_entries(document)}
    skipped |= {number for number, block in enumerate(document.blocks) if contents_head(block) is not None}
    depths = _depths(document, skipped)
    title = min(depths) if depths and _is_title(document, depths) else None
    used = sorted({depth for number, depth in depths.items() if number != title})
    chapter = section = None
    heading = ""
    for number, block in enumerate(document.blocks):
        if number in skipped or number == title:
            continue
        if number not in depths:
            outline.places[number] = Place(chapter, section, heading)
            continue
        heading = close_up(block.text)
        numbered = titles(block.text, decimals=True)
        cited, name = (numbered[0].number, numbered[0].name) if numbered else ("", heading)
        if depths[number] == used[0]:
            chapter, section = merged(volume.chapters, Chapter, cited, name), None
        elif chapter and depths[number] == used[1]:
            section = merged(chapter.sections, Section, cited, name)
    return outline


def title_by_levels(document: Document) -> str:
    """Return the title of a document whose headings have levels: the only one of the highest, else its first lines."""
    depths = _depths(document, {entry.block for entry in contents_entries(document)})
    if depths and _is_title(document, depths):
        return close_up(document.blocks[min(depths)].text)
    above = document.blocks[: min(depths, default=0)]
    return " ".join(close_up(block.text) for block in above if is_short(block)) or Path(document.name).stem
