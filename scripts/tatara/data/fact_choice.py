"""Which facts an answer gets: those that fit what is asked, and of these the ones that were met least so far."""

from collections.abc import Iterable

import numpy

from tatara.data.fact_places import Around
from tatara.data.facts import Fact
from tatara.data.toc import Citation

# Kinds of facts that answer what a template asks, the best first; other kinds follow where these are used up.
FITTING = {
    "what": ("definition", "comparison"),
    "why": ("reason", "condition"),
    "where": ("definition", "procedure"),
    "which": ("comparison", "exception", "condition"),
    "how": ("procedure", "value"),
    "compare": ("comparison", "value", "exception"),
    "apply": ("procedure", "condition", "value"),
}
# In times that a fact was met: a fact one step further away, or of a kind that does not fit, is taken where the nearer
# ones were met so much more often.
STEP, MISFIT = 1.25, 0.75
CANDIDATES = 16  # facts that are tried for the room that an answer has left


class Ledger:
    """Counts how often each fact was met, and gives its wordings in turn."""

    def __init__(self, facts: list[Fact], seed: int):
        self.facts = facts
        self._positions = {fact.id: position for position, fact in enumerate(facts)}
        self.met = numpy.zeros(len(facts))
        self._kinds = numpy.array([fact.kind for fact in facts])
        self._tie = numpy.random.default_rng(seed).random(len(facts)) * 0.5

    def position(self, fact: Fact) -> int:
        """Return where a fact stands in `Graph.facts`."""
        return self._positions[fact.id]

    def named(self, names: Iterable[str]) -> list[Fact]:
        """Return the facts of what `use` returned."""
        return [self.facts[self._positions[name.partition(":")[0]]] for name in names]

    def candidates(self, around: Around, intent: str, taken: Iterable[int]) -> list[int]:
        """Return positions of facts around a relation, those to take first at the front.

        Args:
            intent: of the template.
            taken: positions that the answer holds already.
        """
        fits = numpy.isin(self._kinds[around.facts], FITTING[intent])
        cost = self.met[around.facts] + STEP * around.steps + MISFIT * ~fits + self._tie[around.facts]
        cost[numpy.isin(around.facts, list(taken))] = numpy.inf
        first = numpy.argsort(cost, kind="stable")[:CANDIDATES]
        return [int(around.facts[place]) for place in first if numpy.isfinite(cost[place])]

    def wording(self, position: int) -> int:
        """Return the number of the wording that is next for a fact."""
        return int(self.met[position]) % len(self.facts[position].wordings)

    def plain(self, position: int) -> str:
        """Return the next wording of a fact."""
        return self.facts[position].wordings[self.wording(position)]

    def sentence(self, position: int, here: Citation) -> str:
        """Return the next wording of a fact; one from another chapter than `here` names that by its number."""
        fact, text = self.facts[position], self.plain(position)
        if (fact.place.volume, fact.place.chapter) == (here.volume, here.chapter):
            return text
        number = fact.place.chapter.split(" ")[0]
        return f"{text.rstrip('。')}（{fact.place.volume} {number}）。"

    def use(self, position: int) -> str:
        """Count a fact as met, and return its id and the number of the wording, `f-0123456789:2`."""
        name = f"{self.facts[position].id}:{self.wording(position) + 1}"
        self.met[position] += 1
        return name
