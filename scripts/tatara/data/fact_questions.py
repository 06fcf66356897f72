"""Questions about single facts: those that were asked for least come first, wordings and relations take turns."""

import heapq
import random
from collections import Counter, defaultdict

from tatara.data.candidates import Candidate, category, check_answer, pair_id
from tatara.data.compose import UnfilledSlot, fill
from tatara.data.fact_places import FactPlaces
from tatara.data.graph import Graph, Relation
from tatara.data.slots import View
from tatara.data.templates import Template

FURTHEST = 1  # steps from a relation at which a fact is still asked for under it


class FactQuestions:
    """Asks for facts; `taken` holds the ids of all questions so far."""

    def __init__(self, graph: Graph, places: FactPlaces, taken: set[str], seed: int):
        self.graph, self.places, self.taken, self.seed = graph, places, taken, seed
        self.asked: Counter = Counter()

    def reach(self, type_: str) -> dict[int, list[tuple[int, Relation]]]:
        """Return position of a fact -> (steps, relation) of the relations of a type under which it is asked for."""
        reach = defaultdict(list)
        for relation in self.graph.of_type(type_):
            around = self.places.around(relation)
            for position, steps in zip(around.facts.tolist(), around.steps.tolist(), strict=True):
                if steps <= FURTHEST:
                    reach[position].append((steps, relation))
        return reach

    def make(self, type_: str, count: int, templates: list[Template]) -> list[Candidate]:
        """Return up to `count` questions under relations of one type."""
        reach = self.reach(type_)
        wordings = defaultdict(list)
        for template in templates:
            for kind in template.kinds:
                wordings[kind] += [(template, number) for number in range(len(template.questions))]
        ties = random.Random(f"{self.seed} {type_}")
        heap = [(self.asked[position], ties.random(), position) for position in sorted(reach)]
        heapq.heapify(heap)
        uses: Counter = Counter()  # of relations, and of kinds
        made: list[Candidate] = []
        while heap and len(made) < count:
            _, tie, position = heapq.heappop(heap)
            kind = self.graph.facts[position].kind
            candidate = self._ask(position, reach[position], wordings[kind], uses, len(made))
            if candidate:
                made.append(candidate)
                self.asked[position] += 1
                heapq.heappush(heap, (self.asked[position], tie, position))
        return made

    def _ask(
        self,
        position: int,
        relations: list[tuple[int, Relation]],
        wordings: list[tuple[Template, int]],
        uses: Counter,
        turn: int,
    ) -> Candidate | None:
        """Return a question for a fact that nobody has asked yet; None where there is none."""
        fact = self.graph.facts[position]
        order = sorted(relations, key=lambda near: (near[0], uses[near[1].start, near[1].end]))
        for _, relation in order:
            view = View(self.graph, relation, fact)
            for place in range(len(wordings)):
                template, number = wordings[(uses[fact.kind] + place) % len(wordings)]
                if any(not view.value(slot, turn) for slot in template.needs):
                    continue
                try:
                    question = fill(template.questions[number], view, turn)
                    check_answer(template, number, view, turn)
                except UnfilledSlot:  # a fact without a topic, a relation without evidence
                    continue
                if (id_ := pair_id(question)) not in self.taken:
                    self.taken.add(id_)
                    uses[relation.start, relation.end] += 1
                    uses[fact.kind] += place + 1
                    category_ = category(self.graph, relation)
                    return Candidate(id_, question, template, number, turn, view, category_)
        return None
