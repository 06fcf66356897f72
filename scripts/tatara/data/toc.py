"""The table of contents that citations are checked against (resources/graph/toc.csv)."""

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tatara.data.schema import nearest
from tatara.files.text import read_text
from tatara.job.errors import InputError, raise_problems

COLUMNS = ("volume", "chapter_number", "chapter", "section_number", "section")


@dataclass(frozen=True, order=True)
class Citation:
    """A place in the standards, as it is cited: `設計編`, `第1章 河川構造物の設計`, `第2節 堤防`; chapter or section may be empty."""

    volume: str
    chapter: str = ""
    section: str = ""

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.volume, self.chapter, self.section) if part)


@dataclass(frozen=True)
class Toc:
    """The places that exist, in the order of the table of contents.

    Attributes:
        places: volumes, chapters and sections as keys (values are None), so that look-ups are quick and the order is
            kept.
    """

    places: dict[Citation, None]

    @cached_property
    def order(self) -> dict[Citation, int]:
        """Place -> its position in the table of contents."""
        return {place: position for position, place in enumerate(self.places)}

    def problem(self, citation: Citation) -> str | None:
        """Return what is wrong with a citation, or None when it stands in the table of contents."""
        volume = Citation(citation.volume)
        if volume not in self.places:
            known = [place.volume for place in self.places if not place.chapter]
            return f"volume {citation.volume!r} is not in the table of contents{nearest(citation.volume, known)}"
        if citation in self.places:
            return None
        chapter = Citation(citation.volume, citation.chapter)
        if chapter not in self.places:
            known = [
                place.chapter
                for place in self.places
                if place.volume == citation.volume and place.chapter and not place.section
            ]
            return f"chapter {citation.chapter!r} is not in the table of contents of {citation.volume}{nearest(citation.chapter, known)}"
        known = [
            place.section
            for place in self.places
            if (place.volume, place.chapter) == (citation.volume, citation.chapter) and place.section
        ]
        return f"section {citation.section!r} is not in the table of contents of {chapter.text}{nearest(citation.section, known)}"


def read_toc(path: Path | str) -> Toc:
    """Read toc.csv.

    Raises:
        InputError: a missing column, an empty volume or chapter, a row that stands twice (file and line).
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise InputError(f"{path}:1: missing column {', '.join(missing)}; expected {','.join(COLUMNS)}")
    places: dict[Citation, None] = {}
    problems = []
    for row in reader:
        values = {column: (row[column] or "").strip() for column in COLUMNS}
        where = f"{path}:{reader.line_num}"
        if not values["volume"] or not values["chapter"]:
            problems.append(f"{where}: volume and chapter must not be empty")
            continue
        citation = Citation(
            values["volume"],
            f"{values['chapter_number']} {values['chapter']}".strip(),
            f"{values['section_number']} {values['section']}".strip(),
        )
        if citation in places:
            problems.append(f"{where}: {citation.text} stands twice")
        if citation.section and Citation(citation.volume, citation.chapter) not in places:
            problems.append(
                f"{where}: section {citation.section} stands before the row of its chapter {citation.chapter}"
            )
        places[Citation(citation.volume)] = None
        places[citation] = None
    raise_problems(problems)
    return Toc(places)
