"""How agreement.csv, which `measure.agreement` writes, is shown."""

from tatara.report.tables.columns import count, with_interval, words
from tatara.report.text_table import Column, Layout

COMPARED = {"judges": "two judges", "repeats": "two repeats"}
LAYOUT = Layout(
    "Agreement of the judges",
    "Over all answers that both sides scored. Kappa: Cohen's, with quadratic weights; alpha: Krippendorff's, interval "
    "data; raw: share of equal scores, which is high by chance where one score prevails. Brackets are {level} "
    "bootstrap intervals over questions. A dash: every score is the same. Invalid: answers that one side gave no "
    "score, left out.",
    {
        "Compared": Column(lambda row: COMPARED[row["comparison"]], numeric=False),
        "One": words("one"),
        "Other": words("other"),
        "Answers": count("items"),
        "Invalid": count("invalid"),
        "Weighted kappa": with_interval("kappa", 3),
        "Alpha": with_interval("alpha", 3),
        "Raw agreement": with_interval("raw", 3),
    },
    "One judge with one repeat: there is nothing to compare. Name more judges under judge.judges in the configuration.",
)
