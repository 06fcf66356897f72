"""Table 3: the models beside each other, each at its full precision."""

import numpy
import pandas

from tatara.measure.probe import read_answers
from tatara.measure.results import by_model_and_format, full_precision, read_judge, read_questions
from tatara.measure.selection import bits_ratio
from tatara.measure.stats import (
    UNKNOWN,
    Interval,
    Resampling,
    bootstrap_mean,
    bootstrap_ratio,
    holm,
    interval_columns,
    proportion,
)
from tatara.report.numbers import percent, percent_interval
from tatara.report.tables.columns import (
    MODEL_AND_FORMAT,
    PROBE,
    PROBE_NOTE,
    count,
    decimals,
    p_values,
    with_interval,
    words,
)
from tatara.report.tables.common import compare_scores, probe_columns, valid_scores, verdict
from tatara.report.text_table import Column, Layout

LAYOUT = Layout(
    "Table 3. Models compared",
    "Each model in its format of the most bits. Score 0 to 3, mean over the questions; perfect: share of score 3 "
    "(Wilson interval); length in characters and time in seconds are per answer. Brackets are {level} intervals over "
    "questions. Against the best: paired difference of the mean score, p by a paired permutation test corrected by "
    "Holm's method; could have shown: the smallest difference that so many questions show with 80 % power, where the "
    "scores differ at all. p, perfect: McNemar's test of the perfect rate, Holm's correction. Bits per byte compare "
    "models whose tokenizers differ; lower is better. " + PROBE_NOTE + "Invalid: questions without a valid score.",
    {
        **MODEL_AND_FORMAT,
        "Average score": with_interval("score", 3),
        "Perfect": Column(lambda row: percent_interval(row["perfect"], row["perfect_low"], row["perfect_high"])),
        "Score 0": count("score0"),
        "Length": with_interval("characters", 0),
        "s/question": with_interval("seconds", 2),
        "Bits per byte": with_interval("bits_per_byte", 3),
        **PROBE,
        "Against the best": with_interval("difference", 3, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
        "Could have shown": decimals("smallest_difference", 3),
        "p, perfect": p_values("perfect_p_holm"),
        "Questions": count("questions"),
        "Invalid": count("invalid"),
    },
)
PAPER = Layout(
    "The paper's Table 3",
    "Scored by qwen2.5:14b.",
    {
        **MODEL_AND_FORMAT,
        "Average score": decimals("score", 3),
        "Perfect": Column(lambda row: percent(row["perfect"])),
        "Score 0": count("score0"),
        "Length": count("characters"),
        "s/question": decimals("seconds", 1),
    },
)


def _mean(values: pandas.Series, resampling: Resampling) -> Interval:
    return bootstrap_mean(values.to_list(), resampling) if len(values) else UNKNOWN


def _measured(rows: pandas.DataFrame, questions: dict[str, tuple], resampling: Resampling) -> dict:
    """Return what was measured of one model, with intervals.

    Args:
        rows: its judge file; questions: its likelihoods, question id -> (nats, tokens, bytes).
    """
    scores = valid_scores(rows)
    perfect = proportion(int((scores == 3).sum()), len(scores), resampling.level) if len(scores) else UNKNOWN
    return (
        {"questions": len(rows), "invalid": len(rows) - len(scores)}
        | interval_columns("score", _mean(scores, resampling))
        | interval_columns("perfect", perfect)
        | {"score0": int((scores == 0).sum())}
        | interval_columns("characters", _mean(rows["characters"], resampling))
        | interval_columns("seconds", _mean(rows["seconds"].dropna(), resampling))
        | interval_columns("bits_per_byte", bootstrap_ratio(*bits_ratio(questions), resampling))
    )


def table3(
    *, judge: list[str], nll: list[str], probe: list[str], names: dict[str, str], **resampling: float
) -> pandas.DataFrame:
    """Return the models beside each other, each in its format of the most bits: F16, or NF4 without GGUF (Table 3).

    Args:
        judge: judge files of all models and formats.
        nll, probe: NLL and probe files of all models and formats.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    judged, measured = by_model_and_format(judge, names), by_model_and_format(nll, names)
    chosen = full_precision(judged)
    files = {model: read_judge(judged[model, fmt]) for model, fmt in chosen.items()}
    scores = {model: valid_scores(rows) for model, rows in files.items()}
    questions = read_questions({model: measured[model, fmt] for model, fmt in chosen.items()})
    answers = read_answers(probe)
    best = max(scores, key=lambda model: scores[model].mean() if len(scores[model]) else -1.0)
    table = []
    for model, fmt in chosen.items():
        row = {"model": model, "name": names[model], "format": fmt}
        row |= _measured(files[model], questions[model], how)
        row |= probe_columns([answers[f"{model}_{fmt}"]], how)
        row |= interval_columns("difference", UNKNOWN)
        row |= dict.fromkeys(("p_value", "perfect_p_value", "smallest_difference"), numpy.nan)
        if model != best:
            row |= compare_scores(scores[model], scores[best], how)
        row.pop("compared", None)
        table.append(row)
    frame = pandas.DataFrame(table)
    others = frame["model"] != best
    for name in ("p", "perfect_p"):
        frame.loc[others, f"{name}_holm"] = holm(frame.loc[others, f"{name}_value"].to_list())
    frame["verdict"] = [
        "best" if model == best else verdict(difference, p_holm, how.level, "below the best", "above the best")
        for model, difference, p_holm in zip(frame["model"], frame["difference"], frame["p_holm"], strict=True)
    ]
    return frame
