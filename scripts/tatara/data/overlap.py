"""How near training questions come to the questions of the test set."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tatara.files.normalise import normalise
from tatara.job.errors import Problem, raise_problems


def bigrams(text: str) -> set[str]:
    """Return the character bigrams of a text's normal form."""
    form = normalise(text)
    return {form[i : i + 2] for i in range(len(form) - 1)}


def _nearest(questions: list[dict], pool: Iterable[dict]) -> tuple[list[tuple[float, dict | None]], list[dict]]:
    """Return the largest containment of each question and its training question, and training questions that are one.

    Time is linear in the pool, which is passed once; memory does not depend on it.
    """
    index = defaultdict(list)
    sizes = []
    for number, row in enumerate(questions):
        own = bigrams(row["question"])
        sizes.append(len(own))
        for bigram in own:
            index[bigram].append(number)
    forms = {normalise(row["question"]) for row in questions}
    best: list[tuple[float, dict | None]] = [(0.0, None)] * len(questions)
    equal = []
    for pair in pool:
        shared = Counter()
        for bigram in bigrams(pair["question"]):
            if bigram in index:
                shared.update(index[bigram])
        for number, count in shared.items():
            if count / sizes[number] > best[number][0]:
                best[number] = (count / sizes[number], pair)
        if normalise(pair["question"]) in forms:
            equal.append(pair)
    return best, equal


def overlap(questions: list[dict], pool: Iterable[dict], threshold: float) -> dict:
    """Return, for each question, the training question that contains most of its character bigrams.

    Containment is |bigrams(question) ∩ bigrams(training question)| / |bigrams(question)|, from 0 to 1.

    Raises:
        InputError: a question above the threshold, or with the same normal form as a training question; names both.
    """
    best, equal = _nearest(questions, pool)
    by_form = {normalise(row["question"]): row["id"] for row in questions}
    problems: list[str] = []
    for pair in equal:
        names = f"test question {by_form[normalise(pair['question'])]} is training question {pair['id']}"
        message = f"{names}: {pair['question']}; reword one of them"
        problems.append(Problem("test questions that are training questions", message))
    for row, (containment, pair) in zip(questions, best, strict=True):
        if containment > threshold:
            message = (
                f"test question {row['id']} shares {containment:.3f} of its character bigrams with training question "
                f"{pair['id']}, more than {threshold}: {row['question']} / {pair['question']}; reword one of them, or "
                "raise testset.threshold"
            )
            problems.append(Problem("test questions too near to training questions", message))
    raise_problems(problems)
    return {
        "threshold": threshold,
        "label": "+".join(dict.fromkeys(row["label"] for row in questions)),
        "max_containment": max((containment for containment, _ in best), default=0.0),
        "questions": [
            {
                "id": row["id"],
                "nearest_id": pair and pair["id"],
                "nearest_question": pair and pair["question"],
                "containment": containment,
            }
            for row, (containment, pair) in zip(questions, best, strict=True)
        ],
    }
