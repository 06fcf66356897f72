"""The table of contents of a domain, from all of its documents."""

import re
from copy import deepcopy

from tatara.draft.document import Document
from tatara.draft.headings import document_title, number_chapters, read_headings, same_name, volumes_listed
from tatara.draft.levels import read_levels, title_by_levels
from tatara.draft.outline import Outline, Volume
from tatara.files.normalise import normalise
from tatara.job.errors import Problem, raise_problems

ALIKE = 0.5  # share of a document's chapters that a listed volume has, for the two to be the same


def _chapters(volume: Volume) -> set[str]:
    return {normalise(chapter.name) for chapter in volume.chapters}


def _listed(volume: Volume, known: list[Volume]) -> Volume | None:
    """Return the volume that another document's table of contents lists for this one: of its name, or its chapters."""
    own = _chapters(volume)
    shares = [len(own & _chapters(other)) / max(1, len(own)) for other in known]
    named = [
        share + 1 if same_name(volume.name, other.name) else share for other, share in zip(known, shares, strict=True)
    ]
    best = max(range(len(known)), key=lambda number: named[number], default=None)
    return known[best] if best is not None and named[best] >= ALIKE else None


def _outline(document: Document, known: list[Volume], volumes: dict[str, Volume]) -> Outline:
    title = document_title(document)
    own = read_headings(document, Volume(title), closed=False)
    number_chapters(own.volume)
    listed = _listed(own.volume, known) if own.volume.chapters else None
    if listed:
        volume = volumes.setdefault(listed.name, deepcopy(listed))
        return read_headings(document, volume, closed=True)
    if own.volume.chapters:
        volume = volumes.setdefault(title, Volume(title))
        outline = read_headings(document, volume, closed=False)
        number_chapters(volume)
        return outline
    name = title_by_levels(document)
    return read_levels(document, volumes.setdefault(name, Volume(name)))


def _drop_empty(volume: Volume, outlines: list[Outline]) -> None:
    """Take out chapters without a section and without text: they are title pages and lines of running heads."""
    full = {id(place.chapter) for outline in outlines for place in outline.places.values()}
    volume.chapters = [chapter for chapter in volume.chapters if chapter.sections or id(chapter) in full]


def _twins(volumes: list[Volume]) -> None:
    """Tell places of one name in one volume apart: what nobody can cite unambiguously is an error further on."""
    for volume in volumes:
        for items in (volume.chapters, *(chapter.sections for chapter in volume.chapters)):
            seen: dict[str, int] = {}
            for item in items:
                cited = f"{item.number} {item.name}".strip()
                seen[cited] = seen.get(cited, 0) + 1
                if seen[cited] > 1:
                    item.name += f"（{seen[cited]}）"


def read_outlines(documents: list[Document]) -> list[Outline]:
    """Return the outline of each document; documents of one title share a volume.

    Raises:
        InputError: documents without a heading, or without text.
    """
    known, volumes, outlines = volumes_listed(documents), {}, []
    for document in documents:
        outlines.append(_outline(document, known, volumes))
    for name, volume in volumes.items():
        if name not in {other.name for other in known}:
            _drop_empty(volume, [outline for outline in outlines if outline.volume is volume])
    _twins(list(volumes.values()))
    remedy = (
        "give its headings styles (DOCX), levels (Markdown, HTML), or numbers (第1章, 第1節, 1.1, Chapter 1) on lines "
        "of their own"
    )
    raise_problems(
        Problem("documents without a heading", f"{outline.document.path}: no heading was found; {remedy}")
        for outline in outlines
        if not outline.volume.chapters
    )
    return outlines


def volume_slug(number: int) -> str:
    """Return the part of the ids that stands for a volume, by its position."""
    return f"v{number + 1}"


def cited(item) -> str:
    """Return how a chapter or section is cited: 第1章 総説."""
    return re.sub(r"\s+", " ", f"{item.number} {item.name}").strip()
