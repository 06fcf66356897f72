"""The probe answered by word frequencies alone: what one gets who knows the words of the domain alone."""

import math
from functools import cache


def frequency_rows(items: list[dict], pairs: list[dict]) -> list[dict]:
    """Return the rows of a probe file (docs/files.md) for a model of word frequencies.

    An option is as likely as the number of pairs whose answer holds it. Such a model hears no question, so nothing is
    taken off for what it would say without one.

    Args:
        items: rows of results/probe/items.jsonl.
        pairs: training pairs.
    """
    answers = [pair["answer"] for pair in pairs]

    @cache
    def nats(option: str) -> float:
        return math.log(len(answers) + 1) - math.log(sum(option in answer for answer in answers) + 1)

    rows = []
    for item in items:
        likelihoods = [nats(option) for option in item["options"]]
        kept = {key: item[key] for key in ("id", "kind", "type", "taught", "node", "answer")}
        rows.append({"name": "frequencies", **kept, "nats": likelihoods, "nats_without": [0.0] * len(likelihoods)})
    return rows
