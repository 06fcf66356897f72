"""Table 3: the models beside each other, each at its full precision."""

import numpy
import pandas

from tatara.files.formats import BASE
from tatara.measure.probe import read_answers
from tatara.measure.results import by_model_and_format, full_precision, read_judge, read_questions
from tatara.measure.sizes import UNTUNED, bits_ratio
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
from tatara.measure.taught import read_required
from tatara.report.numbers import DASH, percent, percent_interval
from tatara.report.tables.columns import (
    MODEL_AND_FORMAT,
    PROBE,
    PROBE_NOTE,
    RECALL,
    RECALL_NOTE,
    SAID_AGAIN,
    SAID_AGAIN_NOTE,
    SECONDS,
    count,
    decimals,
    p_values,
    with_interval,
    words,
)
from tatara.report.tables.common import (
    compare_scores,
    probe_columns,
    recall_columns,
    said_again_columns,
    valid_scores,
    verdict,
)
from tatara.report.text_table import Column, Layout

LAYOUT = Layout(
    "Table 3. Models compared",
    "Each model in its format of the most bits, and first as it is untuned (F16, or as it is trained where there is no "
    "GGUF). Score 0 to 3, mean over the questions; perfect: share of score 3 (Wilson interval); length in characters "
    "and time in seconds are per answer. Brackets are {level} intervals over "
    "questions. Against the best: paired difference of the mean score, p by a paired permutation test corrected by "
    "Holm's method; could have shown: the smallest difference that so many questions show with 80 % power, where the "
    "scores differ at all. p, perfect: McNemar's test of the perfect rate, Holm's correction. Bits per byte compare "
    "models whose tokenizers differ; lower is better. Training's gain: the tuned model less its own untuned one over "
    "the same questions, with p by the same test corrected over the models, and McNemar's p for the perfect rate. "
    + SAID_AGAIN_NOTE
    + RECALL_NOTE
    + PROBE_NOTE
    + "With reference: questions that have a reference answer; bits per byte are of these. Invalid: questions without "
    "a valid score.",
    {
        **MODEL_AND_FORMAT,
        "Average score": with_interval("score", 3),
        "Perfect": Column(lambda row: percent_interval(row["perfect"], row["perfect_low"], row["perfect_high"])),
        "Score 0": count("score0"),
        "Length": with_interval("characters", 0),
        **SAID_AGAIN,
        "s/question": SECONDS,
        "Bits per byte": with_interval("bits_per_byte", 3),
        **RECALL,
        **PROBE,
        "Against the best": with_interval("difference", 3, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
        "Could have shown": decimals("smallest_difference", 3),
        "p, perfect": p_values("perfect_p_holm"),
        "Training's gain": with_interval("gain", 3, sign=True),
        "p, gain": p_values("gain_p_holm"),
        "Training": words("gain_verdict"),
        "p, gain, perfect": p_values("gain_perfect_p_holm"),
        "Questions": count("questions"),
        "With reference": count("references"),
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
        {"questions": len(rows), "references": len(questions), "invalid": len(rows) - len(scores)}
        | interval_columns("score", _mean(scores, resampling))
        | interval_columns("perfect", perfect)
        | {"score0": int((scores == 0).sum())}
        | interval_columns("characters", _mean(rows["characters"], resampling))
        | interval_columns("seconds", _mean(rows["seconds"].dropna(), resampling))
        | interval_columns("bits_per_byte", bootstrap_ratio(*bits_ratio(questions), resampling))
    )


def _compared(scores: pandas.Series, others: pandas.Series | None, prefix: str, resampling: Resampling) -> dict:
    """Return how scores differ from others, NaN where there are no others.

    Args:
        prefix: what the difference is called; its p-values are p_value and perfect_p_value, behind `prefix` and an
            underscore unless it is `difference`.
    """
    start = "" if prefix == "difference" else f"{prefix}_"
    names = [f"{start}p_value", f"{start}perfect_p_value", "smallest_difference"][: 2 if start else 3]
    if others is None:
        return interval_columns(prefix, UNKNOWN) | dict.fromkeys(names, numpy.nan)
    compared = compare_scores(scores, others, resampling)
    row = {f"{prefix}{end}": compared[f"difference{end}"] for end in ("", "_low", "_high")}
    return row | {name: compared[name.removeprefix(start)] for name in names}


def _correct(frame: pandas.DataFrame) -> None:
    """Add Holm's correction to each column of p-values, over the rows that have one."""
    for start in ("", "gain_"):
        for name in (f"{start}p", f"{start}perfect_p"):
            tested = frame[f"{name}_value"].notna()
            frame[f"{name}_holm"] = numpy.nan
            if tested.any():
                frame.loc[tested, f"{name}_holm"] = holm(frame.loc[tested, f"{name}_value"].to_list())


def _verdicts(row: dict, best: tuple[str, str], level: float) -> dict:
    """Return what a row's differences from the best and from its own untuned model show."""
    against_best = verdict(row["difference"], row["p_holm"], level, "below the best", "above the best")
    gain = verdict(row["gain"], row["gain_p_holm"], level, "degrades", "improves")
    key = row["model"], row["format"]
    return {
        "verdict": "best" if key == best else UNTUNED if row["format"] == BASE else against_best,
        "gain_verdict": DASH if numpy.isnan(row["gain_p_holm"]) else gain,
    }


def table3(
    *,
    judge: list[str],
    nll: list[str],
    probe: list[str],
    names: dict[str, str],
    answers: list[str],
    testset: str,
    coverage: str,
    selected: str,
    **resampling: float,
) -> pandas.DataFrame:
    """Return the models beside each other, each in its format of the most bits: F16, or NF4 without GGUF (Table 3).

    The untuned models come first where they were evaluated. None of them is the best, or compared with it; each tuned
    model is compared with its own.

    Args:
        judge: judge files of all models and formats.
        nll, probe, answers: NLL, probe and answers files of all models and formats.
        testset, coverage, selected: test_set_200.jsonl, testset/coverage.csv, scale/selected.json.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    judged, measured = by_model_and_format(judge, names), by_model_and_format(nll, names)
    tuned = list(full_precision(judged).items())
    untuned = [(model, BASE) for model, _ in tuned if (model, BASE) in judged]
    files = {key: read_judge(judged[key]) for key in (*untuned, *tuned)}
    scores = {key: valid_scores(rows) for key, rows in files.items()}
    questions = read_questions({key: measured[key] for key in files})
    probed, required = read_answers(probe), read_required(testset, coverage, selected)
    answered = by_model_and_format(answers, names)
    best = max(tuned, key=lambda key: scores[key].mean() if len(scores[key]) else -1.0)
    table = []
    for key, rows in files.items():
        model, fmt = key
        row = {"model": model, "name": names[model], "format": fmt} | _measured(rows, questions[key], how)
        row |= recall_columns([answered[key]], required, how) | said_again_columns(answered[key], how)
        row |= probe_columns([probed[f"{model}_{fmt}"]], how)
        own = scores.get((model, BASE)) if key in tuned else None
        row |= _compared(scores[key], scores[best] if key in tuned and key != best else None, "difference", how)
        table.append(row | _compared(scores[key], own, "gain", how))
    frame = pandas.DataFrame(table)
    _correct(frame)
    verdicts = [_verdicts(row, best, how.level) for row in frame.to_dict("records")]
    return frame.join(pandas.DataFrame(verdicts))
