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
from tatara.report.numbers import DASH, percent
from tatara.report.tables.columns import MODEL, count, share, words
from tatara.report.tables.common import recall_columns
from tatara.report.text_table import Column, Layout

BOUNDS = ((0, 0), (1, 4), (5, 9), (10, 19), (20, 49), (50, math.inf))
DEVELOPMENT, TEST = "development", "test"
TRAINED = "trained"  # of an adapter, or all weights, as training left them


def _heading(bound: tuple[int, float]) -> str:
    least, most = bound
    return "In no pair" if not most else f"{least}–{most}" if math.isfinite(most) else f"{least} or more"


def _cell(bound: tuple[int, float]) -> Column:
    """Return a column of recall with its interval, and of how many facts."""
    recalled, key = share(f"recall_{bound[0]}"), f"facts_{bound[0]}"
    return Column(lambda row: f"{recalled.text(row)} of {row[key]:.0f}" if row[key] else DASH)


def _format(row: dict) -> str:
    return "as trained" if row["format"] == TRAINED else label_of(row["format"])


LAYOUT = Layout(
    "How often a fact is met, and whether it is said",
    "Share of the facts required by the questions which answers hold, by the number of training pairs whose answers "
    "hold the fact, and how many facts these are; of all that any pair holds. Test questions: the models in their "
    "formats of the most bits. Development questions, where rule recall selects the size: stage 1's models, the mean "
    "over seeds. Brackets are {level} intervals over questions. In other answers: the mean share of the answers to the "
    "other questions that hold a taught fact, which is what a model says without being asked. Facts that many pairs "
    "hold may be easier in other ways too.",
    {
        "Questions": words("questions"),
        **MODEL,
        "Format": Column(_format, numeric=False),
        "n": count("n"),
        **{_heading(bound): _cell(bound) for bound in BOUNDS},
        "Taught": share("recall_taught"),
        "In other answers": Column(lambda row: percent(row["elsewhere"], 1)),
    },
)


def _columns(answers: Sequence[Path | str], required: Required, resampling: Resampling) -> dict:
    """Return recall within each of BOUNDS, and what other answers hold; several files are those of several seeds."""
    runs = [said_by_pairs(read_jsonl(path), required, BOUNDS) for path in answers]
    row: dict[str, float] = {}
    for bound in BOUNDS:
        several = [run[bound] for run in runs if bound in run]
        counts = pooled([said.counts for said in several])
        row[f"facts_{bound[0]}"] = sum(number for _, number in counts.values()) // max(1, len(several))
        row |= interval_columns(f"recall_{bound[0]}", recall(counts, resampling))
    together = recall_columns(answers, required, resampling)
    row |= {key: value for key, value in together.items() if key.startswith("recall_taught")}
    shares = [share for run in runs for bound, said in run.items() if bound[0] for share in said.elsewhere]
    return row | {"elsewhere": fmean(shares) if shares else math.nan}


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
        table.append(head | _columns([said[run["run"]] for run in own], required, how))
    answered, required = by_model_and_format(answers, names), read_required(testset, coverage, selected)
    for model, fmt in full_precision(answered).items():
        head = {"questions": TEST, "model": model, "name": names[model], "format": fmt, "n": read_json(selected)["n"]}
        table.append(head | _columns([answered[model, fmt]], required, how))
    return pandas.DataFrame(table)
