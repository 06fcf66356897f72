"""The paper's own values (resources/paper), to be shown beside ours."""

from collections.abc import Sequence
from pathlib import Path

import pandas


def read_paper(path: Path | str) -> pandas.DataFrame:
    """Return one of resources/paper/*.csv; empty cells are NaN in columns of numbers and empty text in the others."""
    frame = pandas.read_csv(path)
    words = [column for column in frame.columns if not pandas.api.types.is_numeric_dtype(frame[column])]
    return frame.fillna(dict.fromkeys(words, ""))


def paper_numbers(paper: Sequence[str]) -> dict[str, float]:
    """Return the numbers of the paper's text by id; none where the study does not show them.

    Args:
        paper: resources/paper/text.csv, or nothing.
    """
    if not paper:
        return {}
    rows = read_paper(paper[0])
    return dict(zip(rows["id"], rows["value"], strict=True))
