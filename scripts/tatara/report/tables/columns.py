"""How the columns of the tables are written."""

import math

from tatara.files.formats import label_of
from tatara.report.numbers import DASH, interval, interval_of, number, p_value
from tatara.report.text_table import Column


def words(key: str) -> Column:
    """Return a column of words as they stand in the frame."""
    return Column(lambda row: str(row[key]), numeric=False)


def count(key: str) -> Column:
    """Return a column of whole numbers."""
    return Column(lambda row: DASH if math.isnan(row[key]) else f"{int(row[key]):,}")


def decimals(key: str, places: int = 2, sign: bool = False) -> Column:
    """Return a column of numbers with this many decimals."""
    return Column(lambda row: number(row[key], places, sign))


def with_interval(key: str, places: int = 2, sign: bool = False) -> Column:
    """Return a column of numbers with their intervals."""
    return Column(lambda row: interval_of(row, key, places, sign))


def share(key: str, sign: bool = False) -> Column:
    """Return a column of shares in per cent with their intervals."""

    def text(row: dict) -> str:
        value, low, high = (100 * row[f"{key}{end}"] for end in ("", "_low", "_high"))
        return DASH if math.isnan(value) else f"{interval(value, low, high, 1, sign)} %"

    return Column(text)


def p_values(key: str) -> Column:
    """Return a column of p-values."""
    return Column(lambda row: p_value(row[key]))


MODEL = {"Model": words("name")}
MODEL_AND_FORMAT = {**MODEL, "Format": Column(lambda row: label_of(row["format"]), numeric=False)}
SCORE_COUNTS = {f"Score {score}": count(f"score{score}") for score in (3, 2, 1, 0)}
