"""Stage 1: training sizes compared, each with the one before (paper §5.3, Table 2)."""

import csv
import io
import math
from pathlib import Path

from tatara.files.rows import read_rows
from tatara.files.text import write_text
from tatara.job.errors import InputError
from tatara.measure.results import read_json, read_questions
from tatara.measure.stats import (
    Interval,
    Ratio,
    Resampling,
    bootstrap_ratio,
    interval_columns,
    paired_difference,
    permutation_test,
)

COLUMNS = (
    "run",
    "model",
    "n",
    "r",
    "seed",
    "final_loss",
    "mean_loss",
    "nll",
    "nll_low",
    "nll_high",
    "ppl",
    "ppl_low",
    "ppl_high",
    "bits_per_byte",
    "bits_per_byte_low",
    "bits_per_byte_high",
    "delta_nll",
    "delta_low",
    "delta_high",
    "p_value",
    "status",
)
UNTUNED_COLUMNS = tuple(f"untuned_{key}" for key in ("delta_nll", "delta_low", "delta_high", "p_value", "status"))
UNMEASURED = "not measured"  # no question has a reference answer
BETTER, WORSE, SAME, FIRST, UNTUNED = "better", "worse", "not distinguishable", "first", "untuned"


def nll_ratio(questions: dict[str, tuple]) -> Ratio:
    """Return nats and tokens of the questions: NLL is their ratio."""
    return Ratio([nats for nats, _, _ in questions.values()], [tokens for _, tokens, _ in questions.values()])


def bits_ratio(questions: dict[str, tuple]) -> Ratio:
    """Return bits and bytes of the questions: their ratio compares models whose tokenizers differ."""
    bits = [nats / math.log(2) for nats, _, _ in questions.values()]
    return Ratio(bits, [size for _, _, size in questions.values()])


def compare_nll(questions: dict, before: dict | None, resampling: Resampling) -> dict:
    """Return the NLL of some questions with its interval, and its difference from another measurement of them.

    Args:
        questions, before: question id -> (nats, tokens, bytes), in the same order; `before` is None for the first size.

    Returns:
        The columns of scale.csv from `nll` to `status`; NLL in nats a token.
    """
    ratio = nll_ratio(questions)
    nll = bootstrap_ratio(*ratio, resampling)
    bits = bootstrap_ratio(*bits_ratio(questions), resampling)
    # exp keeps the order, so the ends of the interval of the NLL are those of the perplexity.
    ppl = Interval(*map(math.exp, (nll.value, nll.low, nll.high)))
    row = interval_columns("nll", nll) | interval_columns("ppl", ppl) | interval_columns("bits_per_byte", bits)
    if before is None:
        unknown = dict.fromkeys(("delta_nll", "delta_low", "delta_high", "p_value"), math.nan)
        return row | unknown | {"status": FIRST}
    delta = paired_difference(ratio, nll_ratio(before), resampling)
    p_value = permutation_test(ratio, nll_ratio(before), resampling)
    status = SAME if not p_value <= 1 - resampling.level else BETTER if delta.value < 0 else WORSE
    if math.isnan(p_value):
        status = UNMEASURED
    change = {"delta_nll": delta.value, "delta_low": delta.low, "delta_high": delta.high}
    return row | change | {"p_value": p_value, "status": status}


def scale_rows(train_jsons: list[str], nll_jsons: list[str], resampling: Resampling) -> list[dict]:
    """Return the rows of scale.csv, by size and then by seed; each run is compared with the size before of its seed.

    Args:
        train_jsons, nll_jsons: train.json and NLL file of every run, in any order; the run's name matches them.
        resampling: its level decides: a difference with p <= 1 - level is called better or worse.

    Raises:
        InputError: a run without its NLL, or NLL files over different questions.
    """
    reports = [read_json(path) for path in train_jsons]
    paths = {read_json(path)["name"]: path for path in nll_jsons}
    for report, path in zip(reports, train_jsons, strict=True):
        if report["run"] not in paths:
            raise InputError(
                f"{path}: no NLL file is called {report['run']}; expected results/nll/{report['run']}.json"
            )
    measured = read_questions({report["run"]: paths[report["run"]] for report in reports})
    rows, last = [], {}
    for report in sorted(reports, key=lambda report: (report["n"], report["seed"])):
        questions = measured[report["run"]]
        rows.append(
            {key: report[key] for key in ("run", "model", "n", "r", "seed", "final_loss", "mean_loss")}
            | compare_nll(questions, last.get(report["seed"]), resampling)
        )
        last[report["seed"]] = questions
    return rows


def size_rows(rows: list[dict], nll_jsons: list[str], resampling: Resampling, untuned: str | None = None) -> list[dict]:
    """Return one row a size: the seeds' nats of each question are added up, then compared as in `scale_rows`.

    With one seed the figures are those of `scale_rows`. Adds `seeds` (their number) and `sd_over_seeds` (standard
    deviation of the NLL between seeds, NaN for one). Intervals are over questions and do not hold what another seed
    would change; that is what `sd_over_seeds` tells.

    Args:
        untuned: NLL file of the untuned base model: the first row, with n = 0, with which every size is compared in
            UNTUNED_COLUMNS.
    """
    paths = {read_json(path)["name"]: path for path in nll_jsons}
    measured = read_questions({row["run"]: paths[row["run"]] for row in rows} | ({UNTUNED: untuned} if untuned else {}))
    result, before, base = [], None, measured.get(UNTUNED)
    if base:
        unknown = dict.fromkeys(UNTUNED_COLUMNS, math.nan)
        first = compare_nll(base, None, resampling) | {"status": UNTUNED, "sd_over_seeds": math.nan}
        result.append({"n": 0, "seeds": 0} | first | unknown)
    for n in sorted({row["n"] for row in rows}):
        runs = [row for row in rows if row["n"] == n]
        questions = {
            question: tuple(sum(measured[row["run"]][question][part] for row in runs) for part in range(3))
            for question in measured[runs[0]["run"]]
        }
        mean = sum(row["nll"] for row in runs) / len(runs)
        sd = math.sqrt(sum((row["nll"] - mean) ** 2 for row in runs) / (len(runs) - 1)) if len(runs) > 1 else math.nan
        row = {"n": n, "seeds": len(runs), **compare_nll(questions, before, resampling), "sd_over_seeds": sd}
        result.append(row | (_against_untuned(questions, base, len(runs), resampling) if base else {}))
        before = questions
    return result


def _against_untuned(questions: dict, base: dict, seeds: int, resampling: Resampling) -> dict:
    """Return how the likelihood of a size differs from the untuned model's, which counts once for each seed."""
    compared = compare_nll(
        questions, {id_: tuple(seeds * part for part in parts) for id_, parts in base.items()}, resampling
    )
    return {column: compared[column.removeprefix("untuned_")] for column in UNTUNED_COLUMNS}


def write_scale(rows: list[dict], path: Path | str) -> None:
    """Write scale.csv; what is not defined for the first size is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: "" if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        )
    write_text(path, text.getvalue())


def read_scale(path: Path | str) -> list[dict]:
    """Return the rows of scale.csv with numbers as numbers, NaN where a field is empty.

    Raises:
        InputError: another header, or a field that is no number (file and line).
    """
    kinds = dict.fromkeys(("run", "model", "status"), str) | dict.fromkeys(("n", "r", "seed"), int)
    return read_rows(path, COLUMNS, lambda row: {key: kinds.get(key, float)(row[key] or "nan") for key in COLUMNS})
