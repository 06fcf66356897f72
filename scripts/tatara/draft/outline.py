"""The outline of a document: its volume, chapters and sections, and the place of each block in them."""

from dataclasses import dataclass, field

from tatara.draft.document import Document
from tatara.files.normalise import normalise


@dataclass
class Section:
    """A section: its number as it is cited, empty where it has none, and its name."""

    number: str
    name: str


@dataclass
class Chapter:
    """A chapter and its sections, in the order of the document."""

    number: str
    name: str
    sections: list[Section] = field(default_factory=list)


@dataclass
class Volume:
    """What a document is called, and its chapters."""

    name: str
    chapters: list[Chapter] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a block stands; chapter and section are None before the first heading.

    Attributes:
        heading: the nearest heading above the block, whatever its rank.
    """

    chapter: Chapter | None
    section: Section | None
    heading: str


@dataclass
class Outline:
    """A document with its volume and the place of each block that is text.

    Attributes:
        places: position of a block -> its place. Headings, tables of contents and running heads have none.
    """

    document: Document
    volume: Volume
    places: dict[int, Place] = field(default_factory=dict)


def nearest(items: list, number: str, name: str):
    """Return the chapter or section of that name, else the one of that number, else None."""
    wanted = normalise(name)
    named = [item for item in items if wanted and normalise(item.name) == wanted]
    numbered = [item for item in items if number and item.number == number]
    both = [item for item in named if item in numbered]
    return next(iter(both or named or numbered), None)


def merged(items: list, kind: type, number: str, name: str):
    """Return the chapter or section of that name or number, a new one of its `kind` at the end where there is none."""
    known = nearest(items, number, name)
    if known is None:
        known = kind(number, name)
        items.append(known)
    known.number = known.number or number
    return known
