"""How often a fact is met in training, and whether it is said: recall by the number of pairs that teach a fact."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pandas

from tatara.files.formats import label_of
from tatara.files.jsonl import read_jsonl
from tatara.measure.recall_by_size import pooled
from tatara.measure.results import by_model_and_format, full_precision, read_json
from tatara.measure.sizes import read_scale
from tatara.measure.stats import Resampling, interval_columns
from tatara.measure.taught import Required, read_coverage, read_required, recall, said_by_pairs
from tatara.report.numbers import percent
from tatara.report.tables.columns import MODEL, count, share, words
from tatara.report.text_table import Column, Layout

BOUNDS = ((0, 0), (1, 4), (5, 9), (10, 19), (20, 49), (50, math.inf))
DEVELOPMENT, TEST = "development", "test"
TRAINED = "trained"  # of an adapter, or all weights, as training left them


def _range(row: dict) -> str:
    least, most = row["pairs_least"], row["pairs_most"]
    if math.isnan(most):
        return f"{least:.0f} or more"
    return f"{least:.0f}" if least == most else f"{least:.0f}–{most:.0f}"


def _format(row: dict) -> str:
    return "as trained" if row["format"] == TRAINED else label_of(row["format"])


LAYOUT = Layout(
    "How often a fact is met, and whether it is said",
    "Recall: the share of the facts required by the questions which answers hold, by the number of training pairs "
    "whose answers hold the fact. Test questions: the models in their formats of the most bits. Development questions, "
    "where rule recall selects the size: stage 1's models, the mean over seeds. Brackets are {level} intervals over "
    "questions. In other answers: the share of the answers to the other questions that hold the fact, which is what a "
    "model says without being asked. Facts that many pairs teach may be easier in other ways too.",
    {
        "Questions": words("questions"),
        **MODEL,
        "Format": Column(_format, numeric=False),
        "n": count("n"),
        "Pairs that teach a fact": Column(_range),
        "Facts": count("facts"),
        "Recall": share("recall"),
        "In other answers": Column(lambda row: percent(row["elsewhere"], 1)),
    },
)


def _rows(answers: Sequence[Path | str], required: Required, resampling: Resampling) -> list[dict]:
    """Return a row for each of BOUNDS that has facts; several files are those of several seeds."""
    runs = [said_by_pairs(read_jsonl(path), required, BOUNDS) for path in answers]
    rows = []
    for (least, most), first in runs[0].items():
        several = [run[least, most] for run in runs]
        facts = sum(number for _, number in first.counts.values())
        row = {"pairs_least": least, "pairs_most": most if math.isfinite(most) else math.nan, "facts": facts}
        row |= interval_columns("recall", recall(pooled([said.counts for said in several]), resampling))
        rows.append(row | {"elsewhere": fmean(said.elsewhere for said in several)})
    return rows


def repetition_table(
    *,
    answers: list[str],
    testset: str,
    coverage: str,
    selected: str,
    scale: str,
    names: dict[str, str],
    scale_answers: Sequence[str] = (),
    dev: str = "",
    coverage_dev: str = "",
    **resampling: float,
) -> pandas.DataFrame:
    """Return recall by the number of pairs that teach a fact: stage 1's sizes on the development questions, where they
    were asked, and the models on the test questions.

    Args:
        answers: answers of all models and formats to the test questions.
        testset, coverage, selected: test_set_200.jsonl, testset/coverage.csv, scale/selected.json.
        scale: scale.csv.
        names: model -> display name, in the order of the rows.
        scale_answers, dev, coverage_dev: answers of stage 1's runs to the development questions, these questions, and
            what the subsets teach of them; or none.
        resampling: seed, resamples and level.
    """
    how, table = Resampling(**resampling), []
    said = {Path(path).stem: path for path in scale_answers}
    runs = sorted((run for run in read_scale(scale) if run["run"] in said), key=lambda run: run["n"])
    facts = {row["id"]: row["facts"] for row in read_jsonl(dev)} if said else {}
    for (model, n), own in itertools.groupby(runs, lambda run: (run["model"], run["n"])):
        required = Required(facts, read_coverage(coverage_dev, n))
        head = {"questions": DEVELOPMENT, "model": model, "name": names[model], "format": TRAINED, "n": n}
        table += [head | row for row in _rows([said[run["run"]] for run in own], required, how)]
    answered, required = by_model_and_format(answers, names), read_required(testset, coverage, selected)
    for model, fmt in full_precision(answered).items():
        head = {"questions": TEST, "model": model, "name": names[model], "format": fmt, "n": read_json(selected)["n"]}
        table += [head | row for row in _rows([answered[model, fmt]], required, how)]
    return pandas.DataFrame(table)
