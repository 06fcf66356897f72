"""QA pairs from the graph: questions about relations and facts, deduplicated, as many as wanted (paper §4.1, §4.2)."""

import random
from collections import defaultdict
from dataclasses import dataclass, field

from tatara.data.candidates import Candidate, about_relation, count_repeated, relation_name
from tatara.data.fact_choice import Ledger
from tatara.data.fact_places import FactPlaces
from tatara.data.fact_questions import FactQuestions
from tatara.data.graph import Graph
from tatara.data.left_out import (
    LIKE_QUESTIONS,
    MENDED_ANSWERS,
    NOT_CHOSEN,
    REPEATED_PAIRS,
    SAME_QUESTIONS,
    UNFIT_WORDINGS,
    UNPROVEN_WORDINGS,
    UNTAUGHT_FACTS,
    UNUSED_TEMPLATES,
    WITHOUT_PAIR,
    LeftOut,
)
from tatara.data.strata import choose
from tatara.data.templates import ANY, Template
from tatara.job.errors import InputError, raise_problems

FACT_SHARE = 0.75  # of a type's pairs that ask for one fact; the others ask about the relation itself


def _templates_by_type(graph: Graph, templates: list[Template]) -> dict[str, list[Template]]:
    """Return the templates of each relation type that the graph has: its own, else the generic ones."""
    own = defaultdict(list)
    for template in templates:
        for type_ in template.relations:
            own[type_].append(template)
    present = {relation.type for relation in graph.relations}
    types = [type_ for type_ in graph.schema.relations if type_ in present]
    lacking = [type_ for type_ in types if type_ not in own]
    if lacking and not own[ANY]:
        raise InputError(
            f"no template for the relation type {', '.join(lacking)}; write some, "
            f"or add a file of generic templates (relation: {ANY}) to config key qa.templates"
        )
    return {type_: own.get(type_) or own[ANY] for type_ in types}


@dataclass
class _Questions:
    """The questions of one relation type: about relations, and about facts."""

    about_relations: list[Candidate] = field(default_factory=list)
    about_facts: list[Candidate] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.about_relations) + len(self.about_facts)


def _about_relations(
    graph: Graph, by_type: dict[str, list[Template]], left_out: LeftOut
) -> tuple[dict[str, _Questions], int]:
    """Return relation type -> its questions about relations, of equal ones the first; and how many all were."""
    questions = {type_: _Questions() for type_ in by_type}
    first: dict[str, Candidate] = {}
    total = 0
    for relation in graph.relations:
        templates = [template for template in by_type[relation.type] if not template.kinds]
        for candidate in about_relation(graph, relation, templates, left_out):
            total += 1
            if candidate.id in first:
                count_repeated(candidate, first[candidate.id], left_out)
                continue
            first[candidate.id] = candidate
            questions[relation.type].about_relations.append(candidate)
    return questions, total


def _ask_for_facts(
    graph: Graph,
    by_type: dict[str, list[Template]],
    questions: dict[str, _Questions],
    targets: dict[str, int],
    places: FactPlaces,
    seed: int,
) -> list[str]:
    """Add the questions about facts, and return the types, those that reach the fewest facts first.

    A type that reaches many facts asks for those that others have left. One that has no question about relations, since
    the templates need evidence that they lack, asks as if it had one a relation.
    """
    taken = {candidate.id for type_ in questions for candidate in questions[type_].about_relations}
    asking = FactQuestions(graph, places, taken, seed)
    order = sorted(by_type, key=lambda type_: len(asking.reach(type_)))
    for type_ in order:
        own = questions[type_]
        asked = len(own.about_relations) or len(graph.of_type(type_))
        whole = targets.get(type_, round(asked / (1 - FACT_SHARE)))
        wanted = max(whole - len(own.about_relations), round(whole * FACT_SHARE))
        templates = [template for template in by_type[type_] if template.kinds]
        own.about_facts = asking.make(type_, wanted, templates)
    return order


def _choose(own: _Questions, target: int | None, generator: random.Random) -> list[Candidate]:
    """Return the questions of a type that become pairs; all about facts, and of the others as many as are wanted."""
    if target is None:
        return [*own.about_relations, *own.about_facts]
    kept = target - len(own.about_facts)
    stratum = lambda candidate: (candidate.template.version, candidate.template.intent)  # noqa: E731
    about_relations = own.about_relations
    if kept < len(about_relations):
        about_relations = choose(about_relations, kept, generator, stratum)
    return [*about_relations, *own.about_facts]


def _rows(
    chosen: list[Candidate],
    ledger: Ledger | None,
    places: FactPlaces | None,
    generator: random.Random,
    left_out: LeftOut,
    ask_for_all: bool,
) -> list[dict]:
    """Compose the answers, in an order in which no fact waits for its relation's turn; the rows keep theirs."""
    order = list(range(len(chosen)))
    if ledger:
        generator.shuffle(order)
    rows: dict[int, dict] = {}
    for index in order:
        candidate = chosen[index]
        if ledger and candidate.view.fact:
            candidate.view.sentence = ledger.plain(ledger.position(candidate.view.fact))
        answer, mended, facts = candidate.answer(ledger, places)
        if mended:
            left_out.add(MENDED_ANSWERS, mended[0])
        if ledger and ask_for_all:
            candidate = candidate.naming(ledger.named(facts))
        rows[index] = candidate.row(answer, facts)
    return [rows[index] for index in range(len(chosen))]


def _check_targets(questions: dict[str, _Questions], targets: dict[str, int]) -> None:
    problems = [
        f"config key qa.target_counts.{type_}: the graph has no relation of this type"
        for type_ in targets
        if type_ not in questions
    ]
    problems += [
        f"{type_}: {len(own)} different questions, the target is {targets[type_]}; "
        f"add question wordings for it to the templates, or lower qa.target_counts.{type_}"
        for type_, own in questions.items()
        if len(own) < targets.get(type_, 0)
    ]
    raise_problems(problems)


def _check_also(templates: list[Template]) -> None:
    lacking = dict.fromkeys(template.source.rpartition(":")[0] for template in templates if not template.also)
    reason = "no list also of sentences with {topics}, by which questions name more facts (config key qa.ask_for_all)"
    raise_problems([f"{file}: {reason}" for file in lacking])


def _count(graph: Graph, templates: list[Template], pairs: list[dict], candidates: int, left_out: LeftOut) -> None:
    """Count what no pair is made of."""
    made = {f"{pair['start']} -{pair['relation_type']}-> {pair['end']}" for pair in pairs}
    for relation in graph.relations:
        if relation_name(relation) not in made:
            left_out.add(WITHOUT_PAIR, relation_name(relation))
    used = {pair["template"] for pair in pairs}
    for template in templates:
        if template.id not in used:
            left_out.add(UNUSED_TEMPLATES, f"{template.id} ({template.source})")
    told = {name.partition(":")[0] for pair in pairs for name in pair["facts"]}
    for fact in graph.facts:
        if fact.id not in told:
            left_out.add(UNTAUGHT_FACTS, f"{fact.wordings[0]} ({fact.source})")
    for kind in (REPEATED_PAIRS, SAME_QUESTIONS, LIKE_QUESTIONS):
        left_out.expect(kind, candidates)
    left_out.expect(MENDED_ANSWERS, len(pairs))
    left_out.expect(UNFIT_WORDINGS, candidates + left_out.counts[UNFIT_WORDINGS])
    if not all(map(graph.proven, graph.relations)):
        left_out.expect(UNPROVEN_WORDINGS, candidates + left_out.counts[UNPROVEN_WORDINGS])
    left_out.expect(WITHOUT_PAIR, len(graph.relations))
    left_out.expect(UNUSED_TEMPLATES, len(templates))
    left_out.expect(UNTAUGHT_FACTS, len(graph.facts))


def make_pairs(
    graph: Graph,
    templates: list[Template],
    target_counts: dict[str, int] | None,
    seed: int,
    left_out: LeftOut | None = None,
    ask_for_all: bool = False,
) -> list[dict]:
    """Return the QA pairs of a graph, rows as docs/files.md has them, by relation type.

    Two questions that are equal after normalisation are one; the first stays. Where a type has more pairs than its
    target a seeded choice decides, which keeps every version and intent. Of a graph with facts, three quarters of a
    type's pairs ask for one fact each, and every answer is filled with facts, those that were met least first.

    Args:
        target_counts: relation type -> number of pairs; None keeps all, and so does a type that is not named.
        left_out: takes what is dropped, joined or mended.
        ask_for_all: questions name all facts of their answers, by the templates' `also`, and not one alone.

    Raises:
        InputError: a type without templates, a slot without a value, fewer candidates than a target, no `also` where
            questions name all facts.
    """
    left_out, targets = left_out or LeftOut(), target_counts or {}
    by_type = _templates_by_type(graph, templates)
    if ask_for_all:
        _check_also(templates)
    questions, candidates = _about_relations(graph, by_type, left_out)
    order, ledger, places = list(by_type), None, None
    if graph.facts:
        ledger, places = Ledger(graph.facts, seed), FactPlaces(graph)
        order = _ask_for_facts(graph, by_type, questions, targets, places, seed)
    _check_targets(questions, targets)
    rows: dict[str, list[dict]] = {}
    for type_ in order:
        generator = random.Random(f"{seed} {type_}")
        chosen = _choose(questions[type_], targets.get(type_), generator)
        rows[type_] = _rows(chosen, ledger, places, generator, left_out, ask_for_all)
        if len(chosen) < len(questions[type_]):
            number = len(questions[type_]) - len(chosen)
            left_out.add(NOT_CHOSEN, f"{type_}: {number}", number)
    left_out.expect(NOT_CHOSEN, sum(map(len, questions.values())))
    pairs = [row for type_ in by_type for row in rows[type_]]
    _count(graph, templates, pairs, candidates, left_out)
    return pairs
