"""What the data stage drops, joins or mends, counted with examples: nothing is lost in silence.

A kind that the user has asked for, such as a template's `needs`, is counted and never warned of.
"""

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from tatara.files.text import write_csv

logger = logging.getLogger("tatara")
COLUMNS = ("what", "count", "of", "share", "asked_for", "examples")
EXAMPLES = 3
LONGEST = 160  # characters of an example
BETWEEN = " ／ "  # between examples


@dataclass(frozen=True)
class Kind:
    """A kind of what is left out: its name, and whether the user has asked for it, so that no share is too much."""

    name: str
    asked_for: bool = False


OTHER_LABELS = Kind("labels of nodes that schema.yaml does not have")
QUALIFIED_IDS = Kind("ids of nodes that stand in several id spaces, written as SPACE-ID", asked_for=True)
NUMBERED_NAMES = Kind("names of places that carry their number, which is taken out of them", asked_for=True)
LONE_NODES = Kind("nodes without a relation, of which no pair is made")
SHARED_NAMES = Kind("nodes that have the name and the label of another")
UNPROVEN = Kind("relations without a reason or evidence")
UNPROVEN_WORDINGS = Kind("wordings passed over since their relation has no reason or evidence")
UNFIT_WORDINGS = Kind("wordings passed over since the graph lacks what their template needs", asked_for=True)
REPEATED_PAIRS = Kind("pairs that repeat a question about the same relation, or a pair word for word")
SAME_QUESTIONS = Kind("questions dropped since another relation has the same, with another answer")
LIKE_QUESTIONS = Kind(
    "questions dropped since another relation has one that differs in punctuation, spaces, width or case alone"
)
MENDED_ANSWERS = Kind("answers in which a text without an end got one")
WITHOUT_PAIR = Kind("relations of which no pair is made")
HELD_OUT = Kind("relations held out of training for the probe", asked_for=True)
UNTAUGHT_FACTS = Kind("facts that stand in no answer")
UNUSED_TEMPLATES = Kind("templates of which no pair is made")
NOT_CHOSEN = Kind("pairs above qa.target_counts, not drawn", asked_for=True)
WARNED = (UNPROVEN,)  # of these the log warns whatever their share


class LeftOut:
    """Counts what is left out; every kind that is expected is listed, with 0 where nothing was."""

    def __init__(self):
        self.totals: dict[Kind, int] = {}
        self.counts: Counter = Counter()
        self.examples: dict[Kind, list[str]] = defaultdict(list)

    def expect(self, kind: Kind, total: int) -> None:
        """Say of how many things some may be of a kind."""
        self.totals[kind] = total

    def add(self, kind: Kind, example: str, count: int = 1) -> None:
        """Count some; the first three examples are kept."""
        self.counts[kind] += count
        if len(self.examples[kind]) < EXAMPLES:
            text = " ".join(example.split())
            short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
            if short not in self.examples[kind]:
                self.examples[kind].append(short)

    def write(self, path: Path | str) -> None:
        """Write the CSV of COLUMNS, and log what is left out.

        What share is worth a warning is the data page's to say: the config's threshold makes no pair again.
        """
        rows = []
        for kind, total in self.totals.items():
            count, examples = self.counts[kind], BETWEEN.join(self.examples[kind])
            if count:
                level = logging.WARNING if kind in WARNED else logging.INFO
                logger.log(level, "%s: %d of %d, for example %s", kind.name, count, total, examples)
            rows.append([kind.name, count, total, round(count / total if total else 0.0, 6), kind.asked_for, examples])
        write_csv(path, list(COLUMNS), rows)
