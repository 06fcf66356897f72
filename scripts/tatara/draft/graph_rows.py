"""Nodes and relations of a draft as rows: the places of the table of contents, and the terms with what joins them."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from tatara.draft.fact_drafts import FactDraft, place_key
from tatara.draft.outline import Outline, Volume
from tatara.draft.relation_patterns import RelationDraft
from tatara.draft.rules import Rules
from tatara.draft.statements import Sentence, Statement
from tatara.draft.table import ACCEPTED, DRAFT, Row
from tatara.draft.terms import Term
from tatara.files.normalise import normalise

STATED_IN = "STATED_IN"
MOST_PARTS = 6  # chapters or sections that a description names
MAIN_SHARE = 0.25  # of a term's statements that a chapter holds, for the term to be stated there
MOST_CHAPTERS = 3


def short_id(prefix: str, *parts: str) -> str:
    """Return an id that its parts decide: the prefix and eight hexadecimal digits."""
    return f"{prefix}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:8]}"


def term_id(term: Term) -> str:
    return short_id("t", normalise(term.name))


@dataclass(frozen=True)
class Places:
    """The structural nodes.

    Attributes:
        nodes, relations: rows of the draft's tables.
        ids: volume, chapter, section as `place_key` gives them -> node id; the longest that has a node.
        toc: rows of toc.csv.
    """

    nodes: list[Row]
    relations: list[Row]
    ids: dict[tuple[str, str, str], str]
    toc: list[list[str]]


def _parts(rules: Rules, items: list) -> str:
    words = rules.words["describe"]
    names = [f"{item.number} {item.name}".strip() for item in items[:MOST_PARTS]]
    more = words["more"] if len(items) > MOST_PARTS else ""
    return words["and"].join(names) + more


def _place_row(rules: Rules, id_: str, label: str, item, description: str) -> Row:
    number = getattr(item, "number", "")
    return {
        "id": id_,
        "status": ACCEPTED,
        "score": "1.00",
        "name": item.name,
        "label": label,
        "number": number,
        "description": description.strip(),
    }


def places(volumes: list[Volume], rules: Rules) -> Places:
    """Return the nodes of documents, chapters and sections: accepted, since all that they say is in toc.csv."""
    words, result = rules.words["describe"], Places([], [], {}, [])

    def add(id_: str, label: str, item, description: str, parent: str, type_: str) -> None:
        result.nodes.append(_place_row(rules, id_, label, item, description))
        if parent:
            relation = {
                "id": f"s-{id_}",
                "status": ACCEPTED,
                "score": "1.00",
                "start": parent,
                "type": type_,
                "end": id_,
            }
            result.relations.append(relation | {"end_name": item.name})

    for v, volume in enumerate(volumes, start=1):
        text = words["Document"].format(name=volume.name, parts=_parts(rules, volume.chapters))
        add(f"v{v}", "Document", volume, text, "", "")
        result.ids[volume.name, "", ""] = f"v{v}"
        for c, chapter in enumerate(volume.chapters, start=1):
            id_, cited = f"v{v}-c{c:02d}", f"{chapter.number} {chapter.name}".strip()
            inside = words["parts"].format(parts=_parts(rules, chapter.sections)) if chapter.sections else ""
            text = words["Chapter"].format(name=chapter.name, volume=volume.name, number=chapter.number, parts=inside)
            add(id_, "Chapter", chapter, text, f"v{v}", "HAS_CHAPTER")
            result.ids[volume.name, f"{chapter.number} {chapter.name}", ""] = id_
            result.toc.append([volume.name, chapter.number, chapter.name, "", ""])
            for s, section in enumerate(chapter.sections, start=1):
                text = words["Section"].format(
                    name=section.name, volume=volume.name, chapter=cited, number=section.number
                )
                add(f"{id_}-s{s:02d}", "Section", section, text, id_, "HAS_SECTION")
                key = (volume.name, f"{chapter.number} {chapter.name}", f"{section.number} {section.name}")
                result.ids[key] = f"{id_}-s{s:02d}"
                result.toc.append([volume.name, chapter.number, chapter.name, section.number, section.name])
    return result


def evidence(sentence: Sentence) -> Row:
    """Return where a row comes from: file, heading, character span in the file's text, and the sentence."""
    return {
        "file": sentence.outline.document.name,
        "heading": sentence.place.heading,
        "span_start": str(sentence.start),
        "span_end": str(sentence.end),
        "evidence": sentence.text,
    }


def cited(outline: Outline, sentence: Sentence) -> Row:
    """Return volume, chapter and section as they are cited."""
    parts = place_key(outline, sentence.place)
    return dict(zip(("volume", "chapter", "section"), (part.strip() for part in parts), strict=True))


def _best(drafts: list[FactDraft], term: Term) -> FactDraft:
    """Return the fact that describes a term: a definition of it, else the best that is about it, else the best."""

    def order(draft: FactDraft) -> tuple:
        about = draft.node is term
        defines = about and draft.statement.kind == "definition"
        return (not defines, not about, -draft.score, len(draft.statement.text), draft.statement.text)

    return min(drafts, key=order)


def term_rows(terms: list[Term], facts: list[FactDraft], ids: dict) -> tuple[list[Row], list[Row]]:
    """Return the rows of the terms that a fact names, and of where each is stated: the chapters that say most of it."""
    by_term: dict[Term, list[FactDraft]] = defaultdict(list)
    for draft in facts:
        for term in draft.terms:
            by_term[term].append(draft)
    nodes, relations = [], []
    highest = terms[0].score if terms else 1.0
    for term in terms:
        if term not in by_term:
            continue
        best = _best(by_term[term], term)
        row = {"id": term_id(term), "status": DRAFT, "score": f"{term.score / highest:.3f}", "name": term.name}
        row |= {"label": "Term", "description": best.statement.text} | evidence(best.statement.sentence)
        nodes.append(row)
        relations += _stated_in(term, by_term[term], ids)
    return nodes, relations


def _stated_in(term: Term, drafts: list[FactDraft], ids: dict) -> list[Row]:
    chapters: dict[str, list[FactDraft]] = defaultdict(list)
    about = [draft for draft in drafts if draft.node is term] or drafts
    for draft in about:
        sentence = draft.statement.sentence
        volume, chapter, _ = place_key(sentence.outline, sentence.place)
        chapters[ids[volume, chapter, ""]].append(draft)
    order = sorted(chapters, key=lambda id_: (-len(chapters[id_]), id_))
    rows = []
    for id_ in order[:MOST_CHAPTERS]:
        share = len(chapters[id_]) / len(about)
        if share >= MAIN_SHARE or id_ == order[0]:
            best = _best(chapters[id_], term).statement
            rows.append(relation_row(term_id(term), term.name, STATED_IN, id_, "", best, share))
    return rows


def relation_row(
    start: str, start_name: str, type_: str, end: str, end_name: str, statement: Statement, score: float
) -> Row:
    """Return a relation as a row; its reason is the sentence that says so."""
    sentence = statement.sentence
    row = {
        "id": short_id("r", start, type_, end),
        "status": DRAFT,
        "score": f"{score:.2f}",
        "start": start,
        "type": type_,
    }
    row |= {"start_name": start_name, "end": end, "end_name": end_name, "reason": statement.text}
    return row | cited(sentence.outline, sentence) | evidence(sentence)


def relation_rows(drafts: list[RelationDraft], known: set[str]) -> list[Row]:
    """Return the relations whose two terms are nodes."""
    return [
        relation_row(term_id(d.start), d.start.name, d.type, term_id(d.end), d.end.name, d.statement, d.score)
        for d in drafts
        if term_id(d.start) in known and term_id(d.end) in known
    ]
