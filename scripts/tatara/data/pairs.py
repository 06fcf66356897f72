"""QA pairs from the graph: every template for every relation, deduplicated, as many as wanted (paper §4.1, §4.2)."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator

from tatara.data.compose import UnfilledSlot, compose, fill
from tatara.data.graph import Graph, Relation
from tatara.data.left_out import (
    LIKE_QUESTIONS,
    MENDED_ANSWERS,
    NOT_CHOSEN,
    REPEATED_PAIRS,
    SAME_QUESTIONS,
    UNFIT_WORDINGS,
    UNUSED_TEMPLATES,
    WITHOUT_PAIR,
    LeftOut,
)
from tatara.data.slots import View
from tatara.data.templates import ANY, Template
from tatara.files.normalise import normalise
from tatara.job.errors import InputError, raise_problems


def pair_id(question: str) -> str:
    """Return sixteen hexadecimal digits that the normalised question decides."""
    return hashlib.sha256(normalise(question).encode()).hexdigest()[:16]


def _templates_by_type(graph: Graph, templates: list[Template]) -> dict[str, list[Template]]:
    """Return the templates of each relation type that the graph has: its own, else the generic ones."""
    own = defaultdict(list)
    for template in templates:
        own[template.relation].append(template)
    present = {relation.type for relation in graph.relations}
    types = [type_ for type_ in graph.schema.relations if type_ in present]
    lacking = [type_ for type_ in types if type_ not in own]
    if lacking and not own[ANY]:
        raise InputError(
            f"no template for the relation type {', '.join(lacking)}; write some, "
            f"or add a file of generic templates (relation: {ANY}) to config key qa.templates"
        )
    return {type_: own.get(type_) or own[ANY] for type_ in types}


def _name(pair: dict | Relation) -> str:
    start, type_, end = (
        (pair["start"], pair["relation_type"], pair["end"])
        if isinstance(pair, dict)
        else (pair.start, pair.type, pair.end)
    )
    return f"{start} -{type_}-> {end}"


def _candidates(graph: Graph, relation: Relation, templates: list[Template], left_out: LeftOut) -> Iterator[dict]:
    """Yield every pair of one relation; neighbours take turns from wording to wording."""
    view = View(graph, relation)
    category = graph.schema.volume_category.get(view.evidence.volume)
    if category is None:
        raise InputError(f"{relation.source}: schema.yaml has no volume_category for {view.evidence.volume!r}")
    turn = 0
    for template in templates:
        lacking = next((slot for slot in template.needs if not view.value(slot)), None)
        for number, wording in enumerate(template.questions):
            turn += 1
            if lacking:
                left_out.add(UNFIT_WORDINGS, f"{template.id}: {_name(relation)} has no {{{lacking}}}")
                continue
            try:
                question, (answer, mended) = fill(wording, view, turn), compose(template, number, view, turn)
            except UnfilledSlot as error:
                raise InputError(
                    f"{template.source}: template {template.id}: the slot {{{error}}} has no value for "
                    f"{_name(relation)}; name it under needs, or make its line optional with a leading '? '"
                ) from None
            if mended:
                left_out.add(MENDED_ANSWERS, mended[0])
            yield {
                "id": pair_id(question),
                "question": question,
                "answer": answer,
                "relation_type": relation.type,
                "version": template.version,
                "intent": template.intent,
                "template": template.id,
                "start": relation.start,
                "end": relation.end,
                "category": category,
            }


def apportion(weights: dict, total: int, least: int = 0) -> dict:
    """Share a whole number out in proportion to weights (largest remainders), each getting `least` first where it can.

    Args:
        weights: key -> how many there are; no key gets more than that.
        total: at most the sum of the weights.
    """
    shares = (
        {key: min(least, weight) for key, weight in weights.items()}
        if least * len(weights) <= total
        else dict.fromkeys(weights, 0)
    )
    rest = total - sum(shares.values())
    room = {key: weight - shares[key] for key, weight in weights.items()}
    free = sum(room.values())
    exact = {key: rest * room[key] / free if free else 0.0 for key in weights}
    shares = {key: shares[key] + int(exact[key]) for key in weights}
    order = sorted(weights, key=lambda key: (int(exact[key]) - exact[key], str(key)))
    for key in order[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def choose(rows: list[dict], count: int, generator: random.Random) -> list[dict]:
    """Return `count` rows in their order, drawn from every version and intent in proportion, at least one of each."""
    strata = defaultdict(list)
    for index, row in enumerate(rows):
        strata[row["version"], row["intent"]].append(index)
    shares = apportion({key: len(indices) for key, indices in strata.items()}, count, least=1)
    kept = [index for key in strata for index in generator.sample(strata[key], shares[key])]
    return [rows[index] for index in sorted(kept)]


def _count_repeated(row: dict, first: dict, left_out: LeftOut) -> None:
    """Count a pair whose question stands already."""
    if _name(row) == _name(first) or row["answer"] == first["answer"]:
        left_out.add(REPEATED_PAIRS, f"{row['question']} ({row['template']}, {first['template']})")
        return
    same = row["question"] == first["question"]
    wordings = row["question"] if same else f"{row['question']} = {first['question']}"
    left_out.add(SAME_QUESTIONS if same else LIKE_QUESTIONS, f"{wordings} ({_name(row)}; kept: {_name(first)})")


def _different(graph: Graph, templates: list[Template], left_out: LeftOut) -> dict[str, list[dict]]:
    """Return relation type -> its pairs, of equal questions the first."""
    by_type = _templates_by_type(graph, templates)
    rows: dict[str, list[dict]] = {type_: [] for type_ in by_type}
    first: dict[str, dict] = {}
    used, total = set(), 0
    for relation in graph.relations:
        kept = len(first)
        for row in _candidates(graph, relation, by_type[relation.type], left_out):
            total += 1
            if row["id"] in first:
                _count_repeated(row, first[row["id"]], left_out)
                continue
            first[row["id"]] = row
            rows[relation.type].append(row)
            used.add(row["template"])
        if len(first) == kept:
            left_out.add(WITHOUT_PAIR, _name(relation))
    for template in templates:
        if template.id not in used:
            left_out.add(UNUSED_TEMPLATES, f"{template.id} ({template.source})")
    for kind in (REPEATED_PAIRS, SAME_QUESTIONS, LIKE_QUESTIONS, MENDED_ANSWERS):
        left_out.expect(kind, total)
    left_out.expect(UNFIT_WORDINGS, total + left_out.counts[UNFIT_WORDINGS])
    left_out.expect(WITHOUT_PAIR, len(graph.relations))
    left_out.expect(UNUSED_TEMPLATES, len(templates))
    return rows


def make_pairs(
    graph: Graph,
    templates: list[Template],
    target_counts: dict[str, int] | None,
    seed: int,
    left_out: LeftOut | None = None,
) -> list[dict]:
    """Return the QA pairs of a graph, rows as docs/files.md has them, by relation type, start, end and template.

    Two questions that are equal after normalisation are one; the first stays. Where a type has more pairs than its
    target a seeded choice decides, which keeps every version and intent. Time and memory are linear in the number of
    candidates.

    Args:
        target_counts: relation type -> number of pairs; None keeps all, and so does a type that is not named.
        left_out: takes what is dropped, joined or mended.

    Raises:
        InputError: a type without templates, a slot without a value, fewer candidates than a target.
    """
    left_out = left_out or LeftOut()
    rows, targets = _different(graph, templates, left_out), target_counts or {}
    problems = [
        f"config key qa.target_counts.{type_}: the graph has no relation of this type"
        for type_ in targets
        if type_ not in rows
    ]
    for type_, candidates in rows.items():
        if len(candidates) < targets.get(type_, 0):
            problems.append(
                f"{type_}: {len(candidates)} different questions, the target is {targets[type_]}; "
                f"add question wordings for it to the templates, or lower qa.target_counts.{type_}"
            )
    raise_problems(problems)
    left_out.expect(NOT_CHOSEN, sum(map(len, rows.values())))
    pairs = []
    for type_, candidates in rows.items():
        count = targets.get(type_, len(candidates))
        pairs += candidates if count == len(candidates) else choose(candidates, count, random.Random(f"{seed} {type_}"))
        if count < len(candidates):
            left_out.add(NOT_CHOSEN, f"{type_}: {len(candidates) - count}", len(candidates) - count)
    return pairs
