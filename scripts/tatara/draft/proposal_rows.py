"""What a language model proposes of the documents, as rows of the draft beside those that the rules found."""

from collections import Counter
from collections.abc import Callable, Iterable

from tatara.data.facts import fact_id
from tatara.draft.document import CODE, HEADING, ROW
from tatara.draft.graph_rows import STATED_IN, Places, cited, evidence, place_key, relation_row, short_id
from tatara.draft.outline import Outline, Place
from tatara.draft.proposals import Evidence, FactProposal, Passage, Proposal, RelationProposal
from tatara.draft.rules import Rules
from tatara.draft.statements import Sentence, Statement
from tatara.draft.table import DRAFT, Row
from tatara.files.normalise import normalise

LONGEST = 1200  # characters of a passage
SCORE = 0.5  # of every proposal: the model's own certainty says little
TAKEN, ALREADY, LENGTH = "taken", "drafted already", "fact too short or too long"
Where = dict[Passage, tuple[Outline, Place]]
Propose = Callable[[list[Passage], list[str]], list[Proposal]]


def passages_of(outlines: Iterable[Outline]) -> Where:
    """Return the passages that a model is asked about, with their places: paragraphs under one heading, one after
    another, up to LONGEST characters; a longer paragraph is a passage of its own.
    """
    found: Where = {}
    for outline in outlines:
        document, group = outline.document, []

        def close(outline=outline, document=document, group=group) -> None:
            if group:
                first, last = document.blocks[group[0]], document.blocks[group[-1]]
                place = outline.places[group[0]]
                text = document.text[first.start : last.end]
                found[Passage(document.name, place.heading, text, first.start)] = (outline, place)
                group.clear()

        for number, place in outline.places.items():
            block = document.blocks[number]
            if block.kind in (ROW, CODE, HEADING) or place.chapter is None:
                continue
            if group and (
                number != group[-1] + 1
                or outline.places[group[0]] is not place
                or block.end - document.blocks[group[0]].start > LONGEST
            ):
                close()
            group.append(number)
        close()
    return found


class Additions:
    """Rows that proposals add to the tables of a draft."""

    def __init__(self, tables: dict[str, list[Row]], where: Where, structure: Places, rules: Rules):
        self.tables, self.where, self.ids, self.rules = tables, where, structure.ids, rules
        self.nodes = {row["id"] for row in tables["nodes"]}
        self.relations = {(row["start"], row["type"], row["end"]) for row in tables["relations"]}
        self.texts = {normalise(row["text"]) for row in tables["facts"]}

    def _statement(self, found: Evidence) -> Statement:
        outline, place = self.where[found.passage]
        sentence = Sentence(outline, place, found.text, found.start, found.end)
        return Statement(sentence, found.text, "", "", (), (), strong=False)

    def _relation(self, start: str, name: str, type_: str, end: str, end_name: str, statement: Statement) -> bool:
        if new := (start, type_, end) not in self.relations:
            self.relations.add((start, type_, end))
            self.tables["relations"].append(relation_row(start, name, type_, end, end_name, statement, SCORE))
        return new

    def _node(self, name: str, statement: Statement) -> str:
        """Return the id of a term, which is a new node in its chapter where the rules did not find it."""
        id_, sentence = short_id("t", normalise(name)), statement.sentence
        if id_ not in self.nodes:
            self.nodes.add(id_)
            row = {"id": id_, "status": DRAFT, "score": f"{SCORE:.3f}", "name": name, "label": "Term"}
            self.tables["nodes"].append(row | {"description": statement.text} | evidence(sentence))
            volume, chapter, _ = place_key(sentence.outline, sentence.place)
            self._relation(id_, name, STATED_IN, self.ids[volume, chapter, ""], "", statement)
        return id_

    def relation(self, proposal: RelationProposal) -> str:
        """Add a relation; return what became of it."""
        statement = self._statement(proposal.evidence)
        ends = [short_id("t", normalise(name)) for name in (proposal.start, proposal.end)]
        if (ends[0], proposal.type, ends[1]) in self.relations:
            return ALREADY
        start, end = self._node(proposal.start, statement), self._node(proposal.end, statement)
        self._relation(start, proposal.start, proposal.type, end, proposal.end, statement)
        return TAKEN

    def fact(self, proposal: FactProposal) -> str:
        """Add a fact; return what became of it."""
        shortest, longest = self.rules.length
        if not shortest <= len(proposal.text) <= longest:
            return LENGTH
        if normalise(proposal.text) in self.texts:
            return ALREADY
        self.texts.add(normalise(proposal.text))
        statement = self._statement(proposal.evidence)
        node = self._node(proposal.node, statement)
        row = {"id": fact_id(node, proposal.text), "status": DRAFT, "score": f"{SCORE:.2f}", "node": node}
        row |= {"node_name": proposal.node, "kind": proposal.kind, "topic": proposal.node, "text": proposal.text}
        row |= {"terms": proposal.node if proposal.node in proposal.text else ""}
        sentence = statement.sentence
        self.tables["facts"].append(row | cited(sentence.outline, sentence) | evidence(sentence))
        return TAKEN


def add_proposals(
    tables: dict[str, list[Row]], outlines: list[Outline], structure: Places, rules: Rules, propose: Propose
) -> dict[str, int]:
    """Ask for proposals and add them to the tables.

    Args:
        propose: passages and relation types -> what is proposed and held up by its evidence.

    Returns:
        How many were taken, were drafted already, or had another length than a fact.
    """
    where = passages_of(outlines)
    additions, counts = Additions(tables, where, structure, rules), Counter()
    for proposal in propose(list(where), list(rules.relations)):
        add = additions.relation if isinstance(proposal, RelationProposal) else additions.fact
        counts[add(proposal)] += 1
    return {reason: counts[reason] for reason in (TAKEN, ALREADY, LENGTH)}
