"""The places that an answer cites, and whether the table of contents has them (`設計編 第1章 河川構造物の設計 第2節`).

A citation is a chapter by its number, with the volume named before it and the section after it in the same sentence,
where they are there. A number is checked within its volume; without one, any volume may have it. A name is checked
where a space or an opening bracket parts it from its number, as the training answers write it.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tatara.data.toc import Citation, Toc
from tatara.files.normalise import squeeze

_BEFORE_NAME = re.compile(r"[ 「『]+")  # what parts a number from its name
_STOPS = "。\n"  # what ends a sentence
_FARTHEST = 40  # characters between the end of a chapter's number and its section, the chapter's name among them


@dataclass(frozen=True)
class Cited:
    """A place that an answer cites.

    Attributes:
        text: as it stands in the answer, in NFKC.
        exists: whether the table of contents has it.
    """

    text: str
    exists: bool


def _number(title: str) -> str:
    return squeeze(title.partition(" ")[0])


def _name(title: str) -> str:
    return squeeze(title.partition(" ")[2])


class Places:
    """The table of contents by volume and number, and how places look in a text."""

    def __init__(self, toc: Toc):
        self.chapters: dict[tuple[str, str], str] = {}
        self.sections: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for place in toc.places:
            self._add(place)
        self.volumes = sorted({volume for volume, _ in self.chapters}, key=len, reverse=True)
        known = "|".join(map(re.escape, self.volumes))
        # A volume that nobody knows is a run of kanji and katakana that ends in 編.
        self._volume = re.compile(rf"{known}|[一-龠々ァ-ヴー]{{1,15}}編(?:\([^()\n]{{1,15}}編\))?")
        self._chapter = re.compile(r"第[0-9]+(?:-[0-9]+)?章")
        self._section = re.compile(r"第[0-9]+(?:-[0-9]+)?節")

    def _add(self, place: Citation) -> None:
        if not place.chapter:
            return
        key = squeeze(place.volume), _number(place.chapter)
        self.chapters[key] = _name(place.chapter)
        if place.section:
            self.sections[key][_number(place.section)] = _name(place.section)

    def _volume_before(self, text: str, end: int) -> str | None:
        """Return the last volume that a sentence names before a place, as the table of contents has it if it does."""
        found = None
        for match in self._volume.finditer(text, max(text.rfind(mark, 0, end) for mark in _STOPS) + 1, end):
            found = match[0]
        if found is None:
            return None
        return next((volume for volume in self.volumes if found.endswith(volume)), found)

    def cited(self, answer: str) -> Iterator[Cited]:
        """Yield the places that an answer cites, in its order."""
        text = re.sub(r"[^\S\n]+", " ", unicodedata.normalize("NFKC", answer))
        chapters = list(self._chapter.finditer(text))
        for place, chapter in enumerate(chapters):
            volume = self._volume_before(text, chapter.start())
            end = chapters[place + 1].start() if place + 1 < len(chapters) else len(text)
            sections = self._sections(text, chapter.end(), end)
            for section in sections or [None]:
                shown = " ".join(filter(None, (volume, chapter[0], section and section[0])))
                yield Cited(shown, self._exists(text, volume, chapter, section))

    def _sections(self, text: str, start: int, end: int) -> list[re.Match]:
        """Return the sections that belong to a chapter: those that follow it in its sentence."""
        stop = next((place for place in range(start, end) if text[place] in _STOPS), end)
        found = []
        for match in self._section.finditer(text, start, stop):
            if match.start() - start > _FARTHEST:
                break
            found.append(match)
            start = match.end()
        return found

    def _exists(self, text: str, volume: str | None, chapter: re.Match, section: re.Match | None) -> bool:
        return any(
            _named(text, chapter.end(), name) and (section is None or self._has_section(text, key, section))
            for key, name in self.chapters.items()
            if key[1] == chapter[0] and volume in (None, key[0])
        )

    def _has_section(self, text: str, key: tuple[str, str], section: re.Match) -> bool:
        name = self.sections[key].get(section[0])
        return name is not None and _named(text, section.end(), name)


def _named(text: str, end: int, name: str) -> bool:
    """Return whether what follows a number is not another name: no name, this one, or its beginning at the very end."""
    parted = _BEFORE_NAME.match(text, end)
    if parted is None:
        return True
    rest = squeeze(text[parted.end() : parted.end() + 2 * len(name) + 2])
    cut = parted.end() + len(rest) >= len(text) and name.startswith(rest)  # the answer ends within the name
    return rest.startswith((name, "第")) or cut
