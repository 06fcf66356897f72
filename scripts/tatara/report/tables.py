"""Tables 1 to 5 of the paper as data frames of plain numbers, from result files. `table_text` says how they are shown.

Judgements are computed: a difference has a verdict only where a paired test over questions, corrected by Holm's method
over the family of the table, gives p <= 1 - level; otherwise it reads `no difference shown`.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy
import pandas

from tatara.files.formats import FORMATS
from tatara.measure.results import by_model_and_format, full_precision, read_json, read_judge, read_questions
from tatara.measure.selection import compare_nll, nll_columns, read_scale, size_rows
from tatara.measure.stats import (
    LEVEL,
    SAMPLES,
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    holm,
    interval_columns,
    mcnemar,
    paired_difference,
    permutation_test,
    proportion,
    smallest_difference,
)

NO_DIFFERENCE = "no difference shown"
UNKNOWN = Interval(numpy.nan, numpy.nan, numpy.nan)
NATS_PER_BIT = numpy.log(2)

TABLE5_COLUMNS = (
    "model",
    "name",
    "format",
    "questions",
    "score_f16",
    "score",
    "difference",
    "difference_low",
    "difference_high",
    "p_value",
    "p_holm",
    "verdict",
    "smallest_difference",
    "perfect_f16",
    "perfect",
    "perfect_p_value",
    "perfect_p_holm",
    "seconds_f16",
    "seconds",
    "speedup",
    "tokens_per_second_f16",
    "tokens_per_second",
    "throughput_ratio",
    "bytes_f16",
    "bytes",
    "mean_kl",
    "top1_agreement",
    "nll_f16",
    "nll",
    "nll_difference",
    "nll_difference_low",
    "nll_difference_high",
    "nll_p_value",
    "nll_p_holm",
    "nll_verdict",
)


def _mean(values: Iterable[float], seed: int, resamples: int, level: float) -> Interval:
    values = list(values)
    return bootstrap_mean(values, seed, resamples, level) if values else UNKNOWN


def _scores(rows: pandas.DataFrame) -> pandas.Series:
    """Return the valid scores by question id."""
    return rows.set_index("id")["score"].dropna()


def _perfect_rate(scores: pandas.Series) -> float:
    return float((scores == 3).mean()) if len(scores) else numpy.nan


def _compare_scores(scores: pandas.Series, others: pandas.Series, seed: int, resamples: int, level: float) -> dict:
    """Return mean difference with its interval, p-values and number of questions, over the questions that both sides
    have a valid score for.

    `perfect_p_value` is McNemar's for the rate of score 3; `smallest_difference` is what that many questions could have
    shown.
    """
    shared = [question for question in scores.index if question in others.index]
    if not shared:
        return interval_columns("difference", UNKNOWN) | {
            "p_value": 1.0,
            "perfect_p_value": 1.0,
            "smallest_difference": numpy.nan,
            "compared": 0,
        }
    one, other = scores[shared], others[shared]
    columns = one.to_list(), [1.0] * len(shared), other.to_list(), [1.0] * len(shared)
    return interval_columns("difference", paired_difference(*columns, seed, resamples, level)) | {
        "p_value": permutation_test(*columns, seed, resamples),
        "perfect_p_value": mcnemar(one == 3, other == 3),
        "smallest_difference": smallest_difference(one - other, level),
        "compared": len(shared),
    }


def verdict(difference: float, p_value: float, level: float, below: str, above: str) -> str:
    """Return `below` or `above` where the test is significant at 1 - level, else that no difference was shown."""
    if not p_value <= 1 - level:
        return NO_DIFFERENCE
    return above if difference > 0 else below


def table1(*, train: list[str]) -> pandas.DataFrame:
    """Return training loss and cost by size (paper Table 1), the mean over seeds.

    Args:
        train: train.json of each stage 1 run; losses in nats an answer token, times in seconds, memory in bytes.
    """
    keys = ["n", "final_loss", "mean_loss", "seconds", "samples_per_second", "tokens_per_second", "peak_memory_bytes"]
    runs = pandas.DataFrame([{key: report[key] for key in keys} for report in map(read_json, train)])
    table = runs.groupby("n", as_index=False).mean(numeric_only=True)
    table.insert(1, "seeds", runs.groupby("n").size().to_numpy())
    return table


def table2(
    *, scale: str, nll: list[str], seed: int, level: float = LEVEL, resamples: int = SAMPLES
) -> pandas.DataFrame:
    """Return test NLL, perplexity and bits a byte by size, with the difference from the size before and its status
    (paper Table 2).

    Args:
        scale: scale.csv.
        nll: the NLL files of the stage 1 runs.
    """
    return pandas.DataFrame(size_rows(read_scale(scale), nll, seed, level, resamples=resamples))


def table3(
    *,
    judge: list[str],
    nll: list[str],
    names: dict[str, str],
    seed: int,
    level: float = LEVEL,
    resamples: int = SAMPLES,
) -> pandas.DataFrame:
    """Return the comparison of models, each in its format of the most bits (paper Table 3: F16, and NF4 where there is
    no GGUF).

    Args:
        judge: judge files of all models and formats.
        nll: NLL files of all models and formats.
        names: model -> display name, in the order of the rows.
    """
    judged, measured = by_model_and_format(judge, names), by_model_and_format(nll, names)
    chosen = full_precision(judged)
    files = {model: read_judge(judged[model, fmt]) for model, fmt in chosen.items()}
    scores = {model: _scores(rows) for model, rows in files.items()}
    questions = read_questions({model: measured[model, fmt] for model, fmt in chosen.items()})
    best = max(scores, key=lambda model: scores[model].mean() if len(scores[model]) else -1.0)
    table = []
    for model, fmt in chosen.items():
        rows, valid = files[model], scores[model]
        bits = bootstrap_ratio(
            [nats / NATS_PER_BIT for nats, _, _ in questions[model].values()],
            [size for _, _, size in questions[model].values()],
            seed,
            resamples,
            level,
        )
        perfect = proportion(int((valid == 3).sum()), len(valid), level) if len(valid) else UNKNOWN
        compared = {} if model == best else _compare_scores(valid, scores[best], seed, resamples, level)
        table.append(
            {
                "model": model,
                "name": names[model],
                "format": fmt,
                "questions": len(rows),
                "invalid": len(rows) - len(valid),
            }
            | interval_columns("score", _mean(valid, seed, resamples, level))
            | interval_columns("perfect", perfect)
            | {"score0": int((valid == 0).sum())}
            | interval_columns("characters", _mean(rows["characters"], seed, resamples, level))
            | interval_columns("seconds", _mean(rows["seconds"].dropna(), seed, resamples, level))
            | interval_columns("bits_per_byte", bits)
            | interval_columns("difference", UNKNOWN)
            | {"p_value": numpy.nan, "perfect_p_value": numpy.nan}
            | {"smallest_difference": numpy.nan}
            | {key: value for key, value in compared.items() if key != "compared"}
        )
    frame = pandas.DataFrame(table)
    others = frame["model"] != best
    for name in ("p", "perfect_p"):
        frame.loc[others, f"{name}_holm"] = holm(frame.loc[others, f"{name}_value"].to_list())
    frame["verdict"] = [
        "best" if model == best else verdict(difference, p_value, level, "below the best", "above the best")
        for model, difference, p_value in zip(frame["model"], frame["difference"], frame["p_holm"], strict=True)
    ]
    return frame


def table4(*, judge: list[str], names: dict[str, str]) -> pandas.DataFrame:
    """Return how often each score was given, by model and format (paper Table 4); `invalid` counts questions without a
    valid score.

    A mean over several repeats is counted at the nearest score, halves at the higher.
    """
    table = []
    for (model, fmt), path in by_model_and_format(judge, names).items():
        rows = read_judge(path)
        levels = numpy.floor(rows["score"].dropna() + 0.5)
        counts = {f"score{score}": int((levels == score).sum()) for score in (3, 2, 1, 0)}
        table.append(
            {"model": model, "name": names[model], "format": fmt, **counts, "invalid": int(rows["score"].isna().sum())}
        )
    return pandas.DataFrame(table)


def _speed(judged: pandas.DataFrame, times: Path) -> tuple[float, float]:
    """Return seconds a question and generated tokens a second."""
    rows = pandas.read_csv(times).dropna(subset="seconds")
    return float(judged["seconds"].mean()), float(rows["tokens"].sum() / rows["seconds"].sum())


def table5(
    *,
    judge: list[str],
    times: list[str],
    nll: list[str],
    parity: list[str],
    names: dict[str, str],
    seed: int,
    level: float = LEVEL,
    resamples: int = SAMPLES,
) -> pandas.DataFrame:
    """Return each quantized GGUF file beside the F16 file it was made from: quality, speed and size (paper Table 5).

    Args:
        judge, times, nll: judge, seconds and NLL files of all models and formats.
        parity: parity files of all models.
        names: model -> display name, in the order of the rows.
    """
    judged, timed, measured = (by_model_and_format(paths, names) for paths in (judge, times, nll))
    fidelity = {content["model"]: content["formats"] for content in map(read_json, parity)}
    table = []
    for model, fmt in judged:
        if not FORMATS[fmt].gguf or fmt == "f16" or (model, "f16") not in judged:
            continue
        pair = [(model, "f16"), (model, fmt)]
        files = [read_judge(judged[key]) for key in pair]
        full, quantized = (_scores(rows) for rows in files)
        compared = _compare_scores(quantized, full, seed, resamples, level)
        (seconds_full, rate_full), (seconds, rate) = (
            _speed(rows, timed[key]) for rows, key in zip(files, pair, strict=True)
        )
        questions = read_questions({key: measured[key] for key in pair})
        change = compare_nll(questions[pair[1]], questions[pair[0]], seed, level, resamples)
        nats, tokens = nll_columns(questions[pair[0]])
        entry = fidelity[model][fmt]
        table.append(
            {
                "model": model,
                "name": names[model],
                "format": fmt,
                "questions": compared.pop("compared"),
                "score_f16": full.mean(),
                "score": quantized.mean(),
            }
            | compared
            | {
                "perfect_f16": _perfect_rate(full),
                "perfect": _perfect_rate(quantized),
                "seconds_f16": seconds_full,
                "seconds": seconds,
                "speedup": seconds_full / seconds,
                "tokens_per_second_f16": rate_full,
                "tokens_per_second": rate,
                "throughput_ratio": rate / rate_full,
                "bytes_f16": fidelity[model]["f16"]["bytes"],
                "bytes": entry["bytes"],
                "mean_kl": entry["mean_kl"],
                "top1_agreement": entry["top1_agreement"],
                "nll_f16": sum(nats) / sum(tokens),
                "nll": change["nll"],
                "nll_difference": change["delta_nll"],
                "nll_difference_low": change["delta_low"],
                "nll_difference_high": change["delta_high"],
                "nll_p_value": change["p_value"],
            }
        )
    frame = pandas.DataFrame(table, columns=list(TABLE5_COLUMNS))
    for name in ("p", "perfect_p", "nll_p"):
        frame[f"{name}_holm"] = holm(frame[f"{name}_value"].to_list())
    frame["verdict"] = [
        verdict(d, p, level, "degrades", "improves") for d, p in zip(frame["difference"], frame["p_holm"], strict=True)
    ]
    frame["nll_verdict"] = [
        verdict(d, p, level, "improves", "degrades")
        for d, p in zip(frame["nll_difference"], frame["nll_p_holm"], strict=True)
    ]
    return frame
