"""What the training subsets hold: shares, lengths, repetition, facts and register (subsets/quality.csv)."""

import re
from collections import Counter
from pathlib import Path
from statistics import mean, stdev

from tatara.data.facts import REPHRASED, Fact, fact_of
from tatara.files.sentences import sentences
from tatara.files.text import write_csv

COLUMNS = ("n", "metric", "key", "value")
_POLITE = re.compile(r"(?:です|ます|ません|でした|ました|でしょう|ましょう|ください)[」）]*[。！？]?[」）]*$")
_BRACKETS = re.compile(r"（(?:[^（）]|（[^（）]*）)*）(?=[。！？]?$)")  # a citation before the end of a sentence


def polite(sentence: str) -> bool:
    """Return whether a Japanese sentence ends in です, ます or their like, a citation in brackets aside."""
    return bool(_POLITE.search(_BRACKETS.sub("", sentence)))


def _register_rows(n: int, answers: list[str], prefix: str = "") -> list[dict]:
    ends = [polite(sentence) for answer in answers for sentence in sentences(answer)]
    return [
        {"n": n, "metric": f"{prefix}answer_chars_mean", "key": "", "value": mean(map(len, answers))},
        {"n": n, "metric": f"{prefix}polite_share", "key": "", "value": mean(ends) if ends else 0.0},
    ]


def _repetition_rows(n: int, answers: list[str]) -> list[dict]:
    """Return how much of the answers is not repetition, by sentence, and how often the most frequent one stands."""
    counts = Counter(sentence for answer in answers for sentence in sentences(answer))
    total = sum(len(sentence) * count for sentence, count in counts.items())
    distinct = sum(map(len, counts))
    return [
        {"n": n, "metric": "distinct_chars", "key": "", "value": distinct / total if total else 0.0},
        {"n": n, "metric": "sentence_uses_max", "key": "", "value": max(counts.values(), default=0)},
    ]


def _fact_rows(n: int, pairs: list[dict], facts: list[Fact]) -> list[dict]:
    """Return how many facts the answers hold, how often each is met, and how many in all of their wordings."""
    uses = Counter(name for pair in pairs for name in pair["facts"])
    met: Counter = Counter()
    for name, count in uses.items():
        met[fact_of(name)] += count
    whole = sum(all(uses[f"{fact.id}:{k}"] for k in range(1, len(fact.wordings) + 1)) for fact in facts)
    counts = [met[fact.id] for fact in facts]
    values = {
        "facts": sum(count > 0 for count in counts),
        "facts_in_all_wordings": whole,
        "fact_uses_min": min(counts),
        "fact_uses_mean": mean(counts),
        "fact_uses_max": max(counts),
        "wording_uses_max": max((count for name, count in uses.items() if not name.endswith(REPHRASED)), default=0),
    }
    return [{"n": n, "metric": metric, "key": "", "value": value} for metric, value in values.items()]


def quality_rows(subsets: dict[int, list[dict]], facts: list[Fact], references: list[str]) -> list[dict]:
    """Return the rows of quality.csv; those that begin with test_ say the same of the test set's references.

    Args:
        subsets: number of pairs -> the pairs.
        facts: all of the graph; none where it has no facts.
        references: reference answers of the questions that are evaluated; without any there are no such rows.
    """
    largest = subsets[max(subsets)]
    rows = []
    for n, pairs in sorted(subsets.items()):
        for metric, field in (("relation_share", "relation_type"), ("category_share", "category")):
            counts = Counter(pair[field] for pair in pairs)
            rows += [
                {"n": n, "metric": metric, "key": key, "value": counts[key] / n}
                for key in dict.fromkeys(sorted(p[field] for p in largest))
            ]
        answers = [pair["answer"] for pair in pairs]
        rows += _register_rows(n, answers)
        rows.append(
            {"n": n, "metric": "answer_chars_sd", "key": "", "value": stdev(map(len, answers)) if n > 1 else 0.0}
        )
        rows.append(
            {"n": n, "metric": "question_chars_mean", "key": "", "value": mean(len(pair["question"]) for pair in pairs)}
        )
        rows += _repetition_rows(n, answers)
        rows += _fact_rows(n, pairs, facts) if facts else []
        rows += _register_rows(n, references, "test_") if references else []
    return rows


def write_quality(subsets: dict[int, list[dict]], facts: list[Fact], references: list[str], path: Path) -> None:
    """Write quality.csv."""
    write_csv(path, list(COLUMNS), [list(row.values()) for row in quality_rows(subsets, facts, references)])
