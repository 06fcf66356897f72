"""What the figures of models share: their judge files, their names, and what a panel of bars shows."""

from typing import NamedTuple

import pandas

from tatara.files.formats import label_of
from tatara.measure.results import by_model_and_format, read_judge
from tatara.report.figures.style import wrap


class Panel(NamedTuple):
    """One measure: its column of a table, what it is multiplied by, how it is shown, and where its axis ends."""

    key: str
    factor: float
    title: str
    unit: str
    colour: str
    decimals: int
    top: float | None = None


def read_judges(judge: list[str], names: dict[str, str]) -> dict[tuple[str, str], pandas.DataFrame]:
    """Return (model, format) -> its judge file, in the order of `names`."""
    return {key: read_judge(path) for key, path in by_model_and_format(judge, names).items()}


def model_label(name: str, fmt: str, width: int = 22, between: str = "  ") -> str:
    """Return a model's name in lines of about `width` letters, with its format behind it."""
    return f"{wrap(str(name), width)}{between}{label_of(fmt)}"


def most_lines(labels: list[str]) -> int:
    """Return how many lines the tallest label has."""
    return max(label.count("\n") + 1 for label in labels)
