"""Table 4: how often each score was given."""

import numpy
import pandas

from tatara.measure.results import by_model_and_format, read_judge
from tatara.report.tables.columns import MODEL_AND_FORMAT, SCORE_COUNTS, count
from tatara.report.text_table import Layout

LAYOUT = Layout(
    "Table 4. Score distribution",
    "How many of the questions got each score, by model and format.",
    {**MODEL_AND_FORMAT, **SCORE_COUNTS, "Invalid": count("invalid")},
)
PAPER = Layout("The paper's Table 4", "Scored by qwen2.5:14b.", {**MODEL_AND_FORMAT, **SCORE_COUNTS})


def table4(*, judge: list[str], names: dict[str, str]) -> pandas.DataFrame:
    """Return how often each score was given, by model and format (paper Table 4), and how many scores are invalid.

    A mean over several repeats is counted at the nearest score, halves at the higher.
    """
    table = []
    for (model, fmt), path in by_model_and_format(judge, names).items():
        rows = read_judge(path)
        levels = numpy.floor(rows["score"].dropna() + 0.5)
        counts = {f"score{score}": int((levels == score).sum()) for score in (3, 2, 1, 0)}
        counts["invalid"] = int(rows["score"].isna().sum())
        table.append({"model": model, "name": names[model], "format": fmt, **counts})
    return pandas.DataFrame(table)
