"""How the columns of the tables are written."""

import math
from dataclasses import replace

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


def points(key: str) -> Column:
    """Return a column of differences between shares in percentage points with their intervals."""

    def text(row: dict) -> str:
        return interval(*(100 * row[f"{key}{end}"] for end in ("", "_low", "_high")), 1, sign=True)

    return Column(text)


def p_values(key: str) -> Column:
    """Return a column of p-values."""
    return Column(lambda row: p_value(row[key]))


MODEL = {"Model": words("name")}
MODEL_AND_FORMAT = {**MODEL, "Format": Column(lambda row: label_of(row["format"]), numeric=False)}
SECONDS = replace(with_interval("seconds", 2), optional=True)  # of a question, where answers were timed
PROBE = {"Probe": share("probe"), "Probe, held out": share("probe_held_out")}
RECALL = {"Recall, taught": share("recall_taught"), "Recall, others": share("recall_untaught")}
SAID_AGAIN = {"Said again": share("said_again")}
SAID_AGAIN_NOTE = "Said again: share of the answers' characters in sentences that the answer holds already. "
RECALL_NOTE = (
    "Recall: share of the facts required by the questions that the answers hold, of those that stand in the selected "
    "training pairs and of the others. "
)
PROBE_NOTE = (
    "Probe: share of four-option items about the graph that the model answers right, by likelihoods, 25 % without "
    "knowledge, with {level} intervals over nodes; held out: items of relations that no training pair teaches. "
)
SCORE_COUNTS = {f"Score {score}": count(f"score{score}") for score in (3, 2, 1, 0)}
