"""How near training questions come to the questions of the test set."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tatara.files.normalise import normalise
from tatara.job.errors import Problem, raise_problems

COLUMNS = ("id", "nearest", "containment", "question")  # of a training question that is left out


def bigrams(text: str) -> set[str]:
    """Return the character bigrams of a text's normal form."""
    form = normalise(text)
    return {form[i : i + 2] for i in range(len(form) - 1)}


class _Questions:
    """Questions by their character bigrams: how much of each a text contains, in time that the text decides."""

    def __init__(self, questions: list[dict]):
        self._index = defaultdict(list)
        self._sizes = []
        for number, row in enumerate(questions):
            own = bigrams(row["question"])
            self._sizes.append(len(own))
            for bigram in own:
                self._index[bigram].append(number)

    def contained(self, text: str) -> dict[int, float]:
        """Return number of a question -> the share of its bigrams that a text contains, where that is not 0."""
        shared: Counter = Counter()
        for bigram in bigrams(text):
            if bigram in self._index:
                shared.update(self._index[bigram])
        return {number: count / self._sizes[number] for number, count in shared.items()}


def _nearest(questions: list[dict], pool: Iterable[dict]) -> tuple[list[tuple[float, dict | None]], list[dict]]:
    """Return the largest containment of each question and its training question, and training questions that are one.

    Time is linear in the pool, which is passed once; memory does not depend on it.
    """
    known, forms = _Questions(questions), {normalise(row["question"]) for row in questions}
    best: list[tuple[float, dict | None]] = [(0.0, None)] * len(questions)
    equal = []
    for pair in pool:
        for number, containment in known.contained(pair["question"]).items():
            if containment > best[number][0]:
                best[number] = (containment, pair)
        if normalise(pair["question"]) in forms:
            equal.append(pair)
    return best, equal


def too_near(questions: list[dict], pool: Iterable[dict], threshold: float) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row of COLUMNS for each training question that `overlap` would refuse."""
    known, forms = _Questions(questions), {normalise(row["question"]) for row in questions}
    for pair in pool:
        near = known.contained(pair["question"])
        number = max(near, key=near.get, default=0)
        containment = near.get(number, 0.0)
        if containment > threshold or normalise(pair["question"]) in forms:
            yield pair["id"], questions[number]["id"], f"{containment:.3f}", pair["question"]


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
                f"{pair['id']}, more than {threshold}: {row['question']} / {pair['question']}; reword one of them, "
                "raise testset.threshold, or have such pairs left out (testset.near: leave_out)"
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
