"""How much of an answer are sentences that it holds already: a small model that goes round in circles."""

from tatara.files.sentences import sentences
from tatara.measure.stats import Ratio


def said_again(answer: str) -> tuple[int, int]:
    """Return the characters of an answer in sentences that it holds before, and in all; white space does not count."""
    said: set[str] = set()
    again = whole = 0
    for sentence in ("".join(sentence.split()) for sentence in sentences(answer)):
        whole += len(sentence)
        again += len(sentence) if sentence in said else 0
        said.add(sentence)
    return again, whole


def share(answers: list[str]) -> Ratio:
    """Return both of each answer; one without a character counts 0 of 0."""
    counts = [said_again(answer) for answer in answers]
    return Ratio([again for again, _ in counts], [whole for _, whole in counts])
