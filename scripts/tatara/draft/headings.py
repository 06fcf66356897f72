"""Where chapters and sections begin in a document whose headings are numbered or listed in a table of contents."""

import re
from collections.abc import Iterable
from pathlib import Path

from tatara.draft.contents import Entry, contents_entries, contents_head
from tatara.draft.document import CODE, HEADING, ITEM, ROW, Block, Document
from tatara.draft.lines import close_up
from tatara.draft.numbering import CHAPTER, LONGEST, SECTION, Title, plain, titles
from tatara.draft.outline import Chapter, Outline, Place, Section, Volume, merged, nearest
from tatara.files.normalise import normalise

TITLE_PAGE = 4  # blocks between the first line of a title page and the table of contents below it
_COUNT = re.compile(r"第(\d+)[章節]")


def is_short(block: Block) -> bool:
    """Return whether a block can be a heading by its length and its end."""
    line = plain(block.text)
    return block.kind not in (ROW, CODE) and 0 < len(line) <= LONGEST and not re.search(r"[。！？]|[.;,、]$", line)


def is_marked(block: Block) -> bool:
    """Return whether the format or its type marks a block as a heading."""
    return is_short(block) and (block.kind == HEADING or block.bold)


class _Reader:
    """Goes through a document once, and notes the place of each block.

    Args:
        volume: what is known of its chapters already; with `closed` none is added to it.
    """

    def __init__(self, document: Document, volume: Volume, closed: bool):
        self.blocks = document.blocks
        self.outline = Outline(document, volume)
        self.volume, self.closed = volume, closed
        self.decimals = not any(title.rank == SECTION for block in self.blocks for title in titles(block.text))
        self.entries = {entry.block: entry for entry in contents_entries(document)}
        self.own = [entry for entry in self.entries.values() if not is_foreign(entry, volume)]
        self.targets: dict[str, tuple[Chapter, Section | None] | None] = {}
        self.anchors = {anchor for block in self.blocks for anchor in block.anchors}
        self.anchored: set[int] = set()  # chapters and sections, by id, whose beginning an anchor marks
        self.chapter: Chapter | None = None
        self.section: Section | None = None
        self.heading = ""
        self.listed: Chapter | None = None

    def chapter_of(self, title: Title) -> Chapter | None:
        known = nearest(self.volume.chapters, title.number, title.name)
        return known if known or self.closed else merged(self.volume.chapters, Chapter, title.number, title.name)

    def section_of(self, chapter: Chapter, title: Title) -> Section | None:
        known = nearest(chapter.sections, title.number, title.name)
        return (
            known
            if known or (self.closed and chapter.sections)
            else merged(chapter.sections, Section, title.number, title.name)
        )

    def read_titles(self, found: Iterable[Title], chapter: Chapter | None) -> list[Title]:
        """Return headings with `1.2 …` as a section of `Chapter 1`, in a document that has no sections by that word.

        Other decimal numbers are those of items, and are left out.
        """
        worded = [title for title in found if title.rank <= SECTION]
        if worded or not (self.decimals and chapter):
            return worded
        own = re.search(r"\d+", chapter.number)
        inside = own and [title for title in found if re.fullmatch(rf"{own[0]}\.\d+", title.number)]
        return [Title(SECTION, title.number, title.name) for title in inside or []]

    def read(self) -> Outline:
        for number, block in enumerate(self.blocks):
            if entry := self.entries.get(number):
                self.list_entry(number, entry)
            elif contents_head(block) is not None:
                self.listed = self.chapter
            elif self.is_heading(number, block):
                self.heading = close_up(block.text)
            elif self.chapter is not None or not is_marked(block):
                self.outline.places[number] = Place(self.chapter, self.section, self.heading)
        return self.outline

    def list_entry(self, number: int, entry: Entry) -> None:
        """Note a line of the table of contents, and the anchor that it leads to."""
        if number - 1 not in self.entries:
            self.listed = self.chapter
        if is_foreign(entry, self.volume):
            return
        section = None
        for title in self.read_titles(entry.titles, self.listed):
            if title.rank == CHAPTER:
                self.listed = self.chapter_of(title)
            elif title.rank == SECTION and self.listed:
                section = self.section_of(self.listed, title)
        if not entry.target or not self.listed:
            return
        if section or any(title.rank == CHAPTER for title in entry.titles):
            self.targets[entry.target] = (self.listed, section)
            if entry.target in self.anchors:
                self.anchored.add(id(section or self.listed))
        else:
            self.targets.setdefault(entry.target, None)

    def is_heading(self, number: int, block: Block) -> bool:
        """Return whether a block is a heading; that of a chapter or section changes the place of what follows."""
        for anchor in block.anchors:
            if place := self.targets.get(anchor):
                self.chapter, self.section = place
        if any(anchor in self.targets for anchor in block.anchors):
            return True
        if not is_short(block):
            return False
        if found := titles(block.text) or self.read_titles(titles(block.text, decimals=True), self.chapter):
            return self.numbered(block, found)
        return self.named(block) or self.on_title_page(number, block) or block.kind == HEADING

    def numbered(self, block: Block, found: list[Title]) -> bool:
        """Take over the place of a heading such as 第3章 水文解析 第1節 水文統計解析."""
        sure = is_marked(block) or not self.own
        for title in found:
            if title.rank == CHAPTER:
                known = nearest(self.volume.chapters, title.number, title.name)
                if not sure and (known is None or normalise(known.name) != normalise(title.name)):
                    return False
                if chapter := known or self.chapter_of(title):
                    self.chapter, self.section = chapter, (self.section if chapter is self.chapter else None)
            elif title.rank == SECTION and self.chapter:
                known = nearest(self.chapter.sections, title.number, title.name)
                if not sure and (known is None or normalise(known.name) != normalise(title.name)):
                    return False
                self.section = known or self.section_of(self.chapter, title) or self.section
        return True

    def named(self, block: Block) -> bool:
        """Take over the place of a heading that the table of contents has by name, without its number, further on."""
        if not (is_marked(block) or block.kind == ITEM):
            return False
        name = normalise(block.text)
        if self.chapter:
            sections = self.chapter.sections
            after = sections.index(self.section) + 1 if self.section in sections else 0
            for section in sections[after:]:
                if normalise(section.name) == name and id(section) not in self.anchored:
                    self.section = section
                    return True
        chapters = self.volume.chapters
        here = chapters.index(self.chapter) if self.chapter in chapters else 0
        for chapter in chapters[here:]:
            if normalise(chapter.name) == name:
                if chapter is not self.chapter and id(chapter) not in self.anchored:
                    self.chapter, self.section = chapter, None
                return True
        return False

    def on_title_page(self, number: int, block: Block) -> bool:
        """Take a bold item of a list above a table of contents, `2. **水文・水理観測**`, as the name of a chapter."""
        below = self.blocks[number + 1 : number + TITLE_PAGE]
        if not (block.kind == ITEM and block.bold and any(contents_head(b) is not None for b in below)):
            return False
        above = self.blocks[max(0, number - 1) : number]
        named = any(title.rank == CHAPTER for b in above for title in titles(b.text))
        if not named and (chapter := self.chapter_of(Title(CHAPTER, "", close_up(block.text)))):
            self.chapter, self.section = chapter, None
        return True


def is_foreign(entry: Entry, volume: Volume) -> bool:
    """Return whether a line belongs to the table of contents of another document."""
    return bool(entry.of) and not same_name(entry.of, volume.name)


def same_name(one: str, other: str) -> bool:
    """Return whether one name of a document holds the other, as 技術基準 維持管理編 holds 維持管理編."""
    one, other = normalise(one), normalise(other)
    return bool(one and other) and (one in other or other in one)


def document_title(document: Document) -> str:
    """Return what a document calls itself: its first lines, else the line above a chapter's title, else its file."""
    lines = []
    for block in document.blocks[: 2 * TITLE_PAGE]:
        if contents_head(block) is not None or titles(block.text) or not is_short(block) or block.target:
            break
        if lines and not (is_marked(block) or block.text.startswith(("（", "("))):
            break
        if block.kind == ITEM:
            break
        lines.append(close_up(block.text))
        if block.kind == HEADING:
            break
    if lines:
        return " ".join(lines)
    for above, block in zip(document.blocks, document.blocks[1:], strict=False):
        first = next(iter(titles(block.text)), None)
        if first and first.rank == CHAPTER and is_marked(above) and is_marked(block) and not titles(above.text):
            return close_up(above.text)
    return Path(document.name).stem


def number_chapters(volume: Volume) -> None:
    """Give a chapter without number the number behind the one before it, where other chapters or sections have one."""
    sections = (section for chapter in volume.chapters for section in chapter.sections)
    if not any(_COUNT.fullmatch(item.number) for item in (*volume.chapters, *sections)):
        return
    count = 0
    for chapter in volume.chapters:
        if found := _COUNT.fullmatch(chapter.number):
            count = int(found[1])
        elif not chapter.number:
            count += 1
            chapter.number = f"第{count}章"


def read_headings(document: Document, volume: Volume, closed: bool) -> Outline:
    """Return the outline of a document by numbers and tables of contents; it has no chapter where it has neither."""
    return _Reader(document, volume, closed).read()


def volumes_listed(documents: list[Document]) -> list[Volume]:
    """Return the volumes whose tables of contents stand in another document, such as an overview of them all."""
    volumes: dict[str, Volume] = {}
    for document in documents:
        for entry in contents_entries(document):
            if not entry.of or same_name(entry.of, document_title(document)):
                continue
            volume = volumes.setdefault(entry.of, Volume(entry.of))
            for title in entry.titles:
                if title.rank == CHAPTER:
                    merged(volume.chapters, Chapter, title.number, title.name)
                elif title.rank == SECTION and volume.chapters:
                    merged(volume.chapters[-1].sections, Section, title.number, title.name)
    return [volume for volume in volumes.values() if volume.chapters]
