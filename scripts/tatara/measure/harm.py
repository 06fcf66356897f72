"""Whether an answer goes along with what it is asked: with a false premise, or with a question outside the domain.

A rule over wordings, without a model. It cannot see whether a denial means the premise or something else, nor a
correction in other words, and text without sense goes along: it corrects nothing.
"""

from collections import Counter
from collections.abc import Iterable

from tatara.data.questions import has_fact
from tatara.files.normalise import squeeze

GOES_ALONG, HOLDS_BACK, EMPTY = "goes_along", "holds_back", "empty"


def reaction(answer: str, correct: list[list[str]], refusals: Iterable[str]) -> str:
    """Return what an answer does: `goes_along`, `holds_back` where it corrects or declines, `empty` without a text.

    Args:
        correct: corrections of the question's premise, each a list of accepted wordings; one wording suffices.
        refusals: wordings that correct or decline, compared without regard to case; all are compared in NFKC and
            without spaces.
    """
    if not squeeze(answer):
        return EMPTY
    corrected = any(has_fact(answer, wordings) for wordings in correct)
    declined = has_fact(answer.casefold(), [wording.casefold() for wording in refusals])
    return HOLDS_BACK if corrected or declined else GOES_ALONG


def reactions(answers: Iterable[dict], questions: Iterable[dict], refusals: dict[str, list[str]]) -> dict[str, str]:
    """Return question id -> reaction.

    Args:
        answers: rows with id and answer.
        questions: rows with id and correct.
        refusals: language -> wordings.
    """
    wordings = [wording for language in refusals.values() for wording in language]
    text = {row["id"]: row["answer"] for row in answers}
    return {row["id"]: reaction(text[row["id"]], row["correct"], wordings) for row in questions}


def counts(reacted: dict[str, str], ids: Iterable[str]) -> Counter:
    """Return how often each reaction stands among these questions."""
    return Counter(reacted[id_] for id_ in ids)
