"""What the parts of the audit share: the paper's numbers, and how a statement is checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tatara.report.numbers import number
from tatara.report.paper import read_paper

AGREES, DIFFERS, WEAK = "agrees", "does not agree", "not supported"
SCORES = (3, 2, 1, 0)


@dataclass(frozen=True)
class Check:
    """One statement: where it stands, what is printed, how it was worked out again, what came out, and the verdict."""

    place: str
    statement: str
    printed: str
    recomputed: str
    verdict: str


class Paper:
    """The tables of resources/paper by name, and the numbers that stand in its text by id."""

    def __init__(self, folder: Path):
        self.tables = {path.stem: read_paper(path) for path in sorted(folder.glob("*.csv"))}
        self.text = dict(zip(self.tables["text"]["id"], self.tables["text"]["value"], strict=True))

    def __getitem__(self, name: str) -> list[dict]:
        """Return the rows of a table."""
        return self.tables[name].to_dict("records")

    def row(self, table: str, model: str) -> dict:
        """Return the row of a model."""
        return next(row for row in self[table] if row["model"] == model)


def yes(agrees: bool) -> str:
    """Return the verdict of a statement that is true or not."""
    return AGREES if agrees else DIFFERS


def equal(printed: float, recomputed: float, decimals: int, slack: float = 0.0) -> str:
    """Return whether a number rounds to the printed one; `slack` is what rounding of its own inputs may add."""
    return yes(abs(printed - recomputed) <= 0.5 * 10**-decimals + slack + 1e-9)


def all_equal(printed: Iterable[float], recomputed: Iterable[float], decimals: int) -> str:
    """Return whether each number rounds to the printed one."""
    pairs = zip(printed, recomputed, strict=True)
    return yes(all(equal(one, other, decimals) == AGREES for one, other in pairs))


def compare(
    place: str,
    statement: str,
    printed: list[float],
    recomputed: list[float],
    decimals: int,
    *,
    more: int = 0,
    sign: bool = False,
    unit: str = "",
) -> Check:
    """Return the check of numbers that are printed in a row, each recomputed; `more` decimals of these are shown."""
    verdict = all_equal(printed, recomputed, decimals)
    ours = listed(recomputed, decimals + more, sign) + unit
    return Check(place, statement, listed(printed, decimals, sign) + unit, ours, verdict)


def listed(values: Iterable[float], decimals: int, sign: bool = False) -> str:
    """Return numbers as a list, such as `+0.010 / +0.030`."""
    return " / ".join(number(value, decimals, sign) for value in values)
