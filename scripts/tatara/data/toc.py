"""The table of contents that citations are checked against (resources/graph/toc.csv)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tatara.data.csv_rows import read_table
from tatara.data.schema import nearest
from tatara.files.control_tokens import token_problem
from tatara.files.normalise import squeeze
from tatara.job.errors import InputError, Problem, raise_problems

COLUMNS = ("volume", "chapter_number", "chapter", "section_number", "section")


@dataclass(frozen=True, order=True)
class Citation:
    """A place, as it is cited: 設計編, 第1章 河川構造物の設計, 第2節 堤防; chapter or section may be empty."""

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
        places: volumes, chapters and sections as keys; the values are None. Look-ups are quick, the order is kept.
        numbers: of chapters and sections, the longest first, so that 3.2.1 is not taken for 3.2.
    """

    places: dict[Citation, None]
    numbers: tuple[str, ...] = ()

    @cached_property
    def titles(self) -> frozenset[str]:
        """Chapters and sections as they are cited."""
        return frozenset(title for place in self.places for title in (place.chapter, place.section))

    @cached_property
    def order(self) -> dict[Citation, int]:
        """Place -> its position in the table of contents."""
        return {place: position for position, place in enumerate(self.places)}

    def problem(self, citation: Citation) -> str | None:
        """Return what is wrong with a citation, or None when it stands in the table of contents."""
        if citation in self.places:
            return None
        volume, chapter = Citation(citation.volume), Citation(citation.volume, citation.chapter)
        if volume not in self.places:
            known = [place.volume for place in self.places if not place.chapter]
            return f"volume {_unlisted(citation.volume, known)}"
        if chapter not in self.places:
            known = [place.chapter for place in self.places if place.volume == volume.volume and not place.section]
            return f"chapter {_unlisted(citation.chapter, filter(None, known), volume)}"
        known = [
            place.section for place in self.places if (place.volume, place.chapter) == (volume.volume, chapter.chapter)
        ]
        return f"section {_unlisted(citation.section, filter(None, known), chapter)}"


def _unlisted(name: str, known: Iterable[str], above: Citation | None = None) -> str:
    """Return that a name is not in the table of contents, with what it should perhaps be."""
    known = list(known)
    hint = nearest(name, known)
    alike = next((other for other in known if squeeze(other) == squeeze(name)), None)
    if alike:  # no eye tells them apart
        hint = f"; there it is {alike!r}, with other spaces, widths or combining marks: copy it from there"
    return f"{name!r} is not in the table of contents{f' of {above.text}' if above else ''}{hint}"


def _place_problems(where: str, citation: Citation, places: dict[Citation, None]) -> list[Problem]:
    problems = []
    if citation in places:
        problems.append(Problem("places that stand twice", f"{where}: {citation.text} stands twice"))
    if citation.section and Citation(citation.volume, citation.chapter) not in places:
        message = f"{where}: section {citation.section} stands before the row of its chapter {citation.chapter}"
        problems.append(Problem("sections before their chapter", message))
    if problem := token_problem(f"{where}: the place", citation.text):
        problems.append(problem)
    return problems


def _title(values: dict[str, str], key: str) -> str:
    """Return number and name; a name that begins with its number has it once."""
    number, name = values[f"{key}_number"], values[key]
    return name if number and name.startswith(f"{number} ") else f"{number} {name}".strip()


def read_toc(path: Path | str) -> Toc:
    """Read toc.csv.

    Raises:
        InputError: broken CSV, a missing column, an empty volume or chapter, a row that stands twice (file and line).
    """
    table = read_table(path, ",".join(COLUMNS), lambda names: set(COLUMNS) <= set(names))
    missing = [column for column in COLUMNS if column not in table.header]
    if missing:
        raise InputError(
            f"{path}:{table.header_line}: missing column {', '.join(missing)}; expected {','.join(COLUMNS)}"
        )
    places: dict[Citation, None] = {}
    numbers: set[str] = set()
    problems = []
    for line, fields in table.rows:
        values = dict(zip(table.header, fields, strict=True))
        where = f"{path}:{line}"
        if not values["volume"] or not values["chapter"]:
            problems.append(Problem("rows without volume or chapter", f"{where}: volume and chapter must not be empty"))
            continue
        numbers |= {values["chapter_number"], values["section_number"]}
        citation = Citation(values["volume"], _title(values, "chapter"), _title(values, "section"))
        problems += _place_problems(where, citation, places)
        places[Citation(citation.volume)] = None
        places[citation] = None
    raise_problems(problems)
    return Toc(places, tuple(sorted(numbers - {""}, key=lambda number: (-len(number), number))))
