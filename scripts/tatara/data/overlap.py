"""How near training questions come to the questions of the test set."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tatara.files.normalise import normalise
from tatara.job.errors import raise_problems


def bigrams(text: str) -> set[str]:
    """Return the character bigrams of a text's normal form."""
    form = normalise(text)
    return {form[i : i + 2] for i in range(len(form) - 1)}


def overlap(questions: list[dict], pool: Iterable[dict], threshold: float) -> dict:
    """Return, for each question, the training question that contains most of its character bigrams.

    Containment is |bigrams(question) ∩ bigrams(training question)| / |bigrams(question)|, from 0 to 1. The pool is
    passed once, so time is linear in it and memory does not depend on it.

    Raises:
        InputError: a question above the threshold, or with the same normal form as a training question; names both.
    """
    index = defaultdict(list)
    sizes = []
    for number, row in enumerate(questions):
        own = bigrams(row["question"])
        sizes.append(len(own))
        for bigram in own:
            index[bigram].append(number)
    forms = {normalise(row["question"]): number for number, row in enumerate(questions)}
    best: list[tuple[float, dict | None]] = [(0.0, None)] * len(questions)
    problems = []
    for pair in pool:
        shared = Counter()
        for bigram in bigrams(pair["question"]):
            if bigram in index:
                shared.update(index[bigram])
        for number, count in shared.items():
            if count / sizes[number] > best[number][0]:
                best[number] = (count / sizes[number], pair)
        if (number := forms.get(normalise(pair["question"]))) is not None:
            problems.append(
                f"test question {questions[number]['id']} is training question {pair['id']}: {pair['question']}; "
                "reword one of them"
            )
    problems += [
        f"test question {row['id']} shares {containment:.3f} of its character bigrams with training question "
        f"{pair['id']}, more than {threshold}: "
        f"{row['question']} / {pair['question']}; reword one of them, or raise testset.threshold"
        for row, (containment, pair) in zip(questions, best, strict=True)
        if containment > threshold
    ]
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
