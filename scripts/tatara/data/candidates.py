"""Questions about relations, each with what its answer is composed of."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tatara.data.compose import UnfilledSlot, compose, fill, joined, listed
from tatara.data.fact_choice import Ledger
from tatara.data.fact_places import FactPlaces
from tatara.data.facts import Fact
from tatara.data.graph import Graph, Relation
from tatara.data.left_out import (
    LIKE_QUESTIONS,
    REPEATED_PAIRS,
    SAME_QUESTIONS,
    UNFIT_WORDINGS,
    UNPROVEN_WORDINGS,
    LeftOut,
)
from tatara.data.schema import NO_CATEGORY
from tatara.data.slots import View
from tatara.data.templates import SLOT, TOPICS, Template
from tatara.files.normalise import normalise
from tatara.job.errors import InputError


def pair_id(question: str) -> str:
    """Return sixteen hexadecimal digits that the normalised question decides."""
    return hashlib.sha256(normalise(question).encode()).hexdigest()[:16]


def relation_name(relation: Relation) -> str:
    return f"{relation.start} -{relation.type}-> {relation.end}"


def category(graph: Graph, relation: Relation) -> str:
    """Return the test category that pairs of a relation count for: that of the volume of its evidence.

    A relation without evidence has the volume that one of its ends stands in; where neither stands in any, there is no
    category.

    Raises:
        InputError: the schema has none for the volume.
    """
    places = (graph.evidence(relation), graph.citation(relation.end), graph.citation(relation.start))
    volume = next((place.volume for place in places if place.volume), "")
    if not volume:
        return NO_CATEGORY
    if volume not in graph.schema.volume_category:
        raise InputError(f"{relation.source}: schema.yaml has no volume_category for {volume!r}")
    return graph.schema.volume_category[volume]


@dataclass(frozen=True)
class Candidate:
    """A question and what its answer is composed of.

    Attributes:
        number: of the question's wording, which decides the composition.
        turn: which of several neighbours a path leads to.
        view: the relation, and the fact that is asked for.
        category: test category of the relation's evidence.
    """

    id: str
    question: str
    template: Template
    number: int
    turn: int
    view: View
    category: str

    def answer(
        self, ledger: Ledger | None = None, places: FactPlaces | None = None
    ) -> tuple[str, list[str], list[str]]:
        """Return the answer, what of it got an end since it had none, and the facts that it holds."""
        around = places.around(self.view.relation) if places else None
        return compose(self.template, self.number, self.view, self.turn, ledger, around)

    def naming(self, facts: list[Fact]) -> "Candidate":
        """Return the candidate with a question that names these facts as well, those that have a topic."""
        topics = [topic for topic in dict.fromkeys(fact.topic for fact in facts) if topic not in self.question]
        if not topics:
            return self
        also = self.template.also[self.turn % len(self.template.also)]
        question = joined([self.question, also.replace(f"{{{TOPICS}}}", listed(topics))])
        return replace(self, id=pair_id(question), question=question)

    def row(self, answer: str, facts: list[str]) -> dict:
        """Return the pair as docs/files.md has it."""
        relation, template = self.view.relation, self.template
        return {
            "id": self.id,
            "question": self.question,
            "answer": answer,
            "relation_type": relation.type,
            "version": template.version,
            "intent": template.intent,
            "template": template.id,
            "start": relation.start,
            "end": relation.end,
            "category": self.category,
            "facts": facts,
        }


def check_answer(template: Template, number: int, view: View, turn: int) -> None:
    """Raise UnfilledSlot where a line that is not optional has a slot without a value."""
    for line in template.answers[number % len(template.answers)]:
        for slot in SLOT.findall(line.text) if not line.optional else ():
            if slot != "fact.text" and not view.value(slot, turn):
                raise UnfilledSlot(slot)


def ask(template: Template, number: int, turn: int, view: View, category_: str) -> Candidate:
    """Return the question of one wording.

    Raises:
        UnfilledSlot: a slot of the question or of a required line has no value, since a relation has no evidence.
        InputError: it has none for another reason.
    """
    try:
        question = fill(template.questions[number], view, turn)
        check_answer(template, number, view, turn)
    except UnfilledSlot as error:
        if view.unproven(str(error)):
            raise
        raise InputError(
            f"{template.source}: template {template.id}: the slot {{{error}}} has no value for "
            f"{relation_name(view.relation)}; name it under needs, or make its line optional with a leading '? '"
        ) from None
    return Candidate(pair_id(question), question, template, number, turn, view, category_)


def about_relation(
    graph: Graph, relation: Relation, templates: list[Template], left_out: LeftOut
) -> Iterator[Candidate]:
    """Yield every question about one relation; neighbours take turns from wording to wording.

    Raises:
        InputError: a slot without a value, a volume without a category.
    """
    view, category_, turn = View(graph, relation), category(graph, relation), 0
    for template in templates:
        lacking = next((slot for slot in template.needs if not view.value(slot)), None)
        for number in range(len(template.questions)):
            turn += 1
            if lacking:
                left_out.add(UNFIT_WORDINGS, f"{template.id}: {relation_name(relation)} has no {{{lacking}}}")
                continue
            try:
                candidate = ask(template, number, turn, view, category_)
            except UnfilledSlot as error:
                left_out.add(UNPROVEN_WORDINGS, f"{template.id}: {relation_name(relation)} has no {{{error}}}")
                continue
            yield candidate


def count_repeated(candidate: Candidate, first: Candidate, left_out: LeftOut) -> None:
    """Count a question that stands already: of the same relation or with the same answer, or lost knowledge."""
    names = relation_name(candidate.view.relation), relation_name(first.view.relation)
    if names[0] == names[1] or candidate.answer()[0] == first.answer()[0]:
        left_out.add(REPEATED_PAIRS, f"{candidate.question} ({candidate.template.id}, {first.template.id})")
        return
    same = candidate.question == first.question
    wordings = candidate.question if same else f"{candidate.question} = {first.question}"
    left_out.add(SAME_QUESTIONS if same else LIKE_QUESTIONS, f"{wordings} ({names[0]}; kept: {names[1]})")
