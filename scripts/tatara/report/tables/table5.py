"""Table 5: each quantized GGUF file beside the F16 file that it was made from."""

import math
from pathlib import Path

import numpy
import pandas

from tatara.files.formats import BASE, FORMATS
from tatara.files.jsonl import read_jsonl
from tatara.measure.probe import Answers, accuracy, difference, read_answers
from tatara.measure.results import by_model_and_format, read_json, read_judge, read_questions
from tatara.measure.sizes import compare_nll, nll_ratio
from tatara.measure.stats import UNKNOWN, Resampling, holm, interval_columns, paired_difference
from tatara.measure.taught import Required, facts_held, read_required, recall_ratio
from tatara.report.numbers import DASH, number, percent, size, small
from tatara.report.tables.columns import MODEL_AND_FORMAT, decimals, p_values, points, with_interval, words
from tatara.report.tables.common import compare_scores, valid_scores, verdict
from tatara.report.text_table import Column, Layout

COLUMNS = (
    *("model", "name", "format", "questions"),
    *("score_f16", "score", "difference", "difference_low", "difference_high", "p_value", "p_holm", "verdict"),
    *("smallest_difference", "perfect_f16", "perfect", "perfect_p_value", "perfect_p_holm"),
    *("seconds_f16", "seconds", "speedup", "tokens_per_second_f16", "tokens_per_second", "throughput_ratio"),
    *("bytes_f16", "bytes", "mean_kl", "top1_agreement"),
    *("nll_f16", "nll", "nll_difference", "nll_difference_low", "nll_difference_high"),
    *("nll_p_value", "nll_p_holm", "nll_verdict"),
    *("recall_f16", "recall", "recall_difference", "recall_difference_low", "recall_difference_high"),
    *("probe_f16", "probe", "probe_difference", "probe_difference_low", "probe_difference_high"),
    *("probe_p_value", "probe_p_holm", "probe_verdict"),
)
# prefix of the columns of a test, and what less and more mean
TESTED = (("", "degrades", "improves"), ("nll_", "improves", "degrades"), ("probe_", "degrades", "improves"))
PERFECT = Column(lambda row: f"{percent(row['perfect_f16'])} → {percent(row['perfect'])}")
SIZE = Column(lambda row: f"{size(row['bytes_f16'])} → {size(row['bytes'])}")
SCORE = Column(lambda row: f"{number(row['score_f16'], 3)} → {number(row['score'], 3)}")


def _times(ratio: float) -> str:
    return DASH if math.isnan(ratio) else f"{number(ratio)}×"


def _seconds(row: dict) -> str:
    """Return the seconds a question of both files; a dash where no answer was timed."""
    both = row["seconds_f16"], row["seconds"]
    return DASH if all(map(math.isnan, both)) else " → ".join(map(number, both))


LAYOUT = Layout(
    "Table 5. Quantization against F16",
    'Δ is quantized less F16 over the same questions, with its {level} bootstrap interval; a verdict other than "no '
    "difference shown\" needs a paired permutation test at that level after Holm's correction; could have shown: the "
    "smallest difference that so many questions show with 80 % power, where the scores differ at all. p, perfect: "
    "McNemar's test of the perfect rate. Speed-up is the ratio of seconds per question, throughput that of generated "
    "tokens per second, which does not depend on how long the answers are. KL in nats per token from the transformers "
    "model; NLL in nats per answer token. Recall: share of the required facts that the answers hold. Δ probe: "
    "four-option items about the graph that are answered right; both Δ in percentage points, with intervals over "
    "questions and over nodes; the probe's verdict needs McNemar's test after Holm's correction. The untuned models "
    "stand in table 3.",
    {
        **MODEL_AND_FORMAT,
        "Score F16 → quantized": SCORE,
        "Δ score": with_interval("difference", 3, sign=True),
        "Score verdict": words("verdict"),
        "Could have shown": decimals("smallest_difference", 3),
        "Perfect": PERFECT,
        "p, perfect": p_values("perfect_p_holm"),
        "s/question": Column(_seconds, optional=True),
        "Speed-up": Column(lambda row: _times(row["speedup"]), optional=True),
        "Throughput": Column(lambda row: _times(row["throughput_ratio"]), optional=True),
        "Size": SIZE,
        "KL": Column(lambda row: small(row["mean_kl"])),
        "Top-1": Column(lambda row: percent(row["top1_agreement"], 1)),
        "Δ NLL": with_interval("nll_difference", 4, sign=True),
        "NLL verdict": words("nll_verdict"),
        "Recall": Column(lambda row: f"{percent(row['recall_f16'], 1)} → {percent(row['recall'], 1)}"),
        "Δ recall": points("recall_difference"),
        "Δ probe": points("probe_difference"),
        "Probe verdict": words("probe_verdict"),
    },
    "No model was answered with both in F16 and in a quantized GGUF format.",
)
PAPER = Layout(
    "The paper's Table 5",
    "With 100 questions, +0.010 and +0.030 are one and three points of 300.",
    {
        **MODEL_AND_FORMAT,
        "Score F16 → quantized": SCORE,
        "Δ score": decimals("difference", 3, sign=True),
        "Perfect": PERFECT,
        "s/question": Column(lambda row: f"{number(row['seconds_f16'], 1)} → {number(row['seconds'], 1)}"),
        "Speed-up": Column(lambda row: f"{number(row['speedup'], 1)}×"),
        "Size": SIZE,
    },
)


def _perfect_rate(scores: pandas.Series) -> float:
    return float((scores == 3).mean()) if len(scores) else numpy.nan


def _scores(full: pandas.DataFrame, quantized: pandas.DataFrame, resampling: Resampling) -> dict:
    """Return how the scores of a quantized file compare with those of F16, from their judge files."""
    scores_full, scores = valid_scores(full), valid_scores(quantized)
    compared = compare_scores(scores, scores_full, resampling)
    row = {"questions": compared.pop("compared"), "score_f16": scores_full.mean(), "score": scores.mean()}
    return row | compared | {"perfect_f16": _perfect_rate(scores_full), "perfect": _perfect_rate(scores)}


def _speeds(judged: list[pandas.DataFrame], times: list[Path]) -> dict:
    """Return seconds a question and generated tokens a second of F16 and of a quantized file, and their ratios."""
    seconds_full, seconds = (float(rows["seconds"].mean()) for rows in judged)
    timed = [pandas.read_csv(path).dropna(subset="seconds") for path in times]
    rate_full, rate = (float(rows["tokens"].sum() / rows["seconds"].sum()) if len(rows) else math.nan for rows in timed)
    return {
        "seconds_f16": seconds_full,
        "seconds": seconds,
        "speedup": seconds_full / seconds,
        "tokens_per_second_f16": rate_full,
        "tokens_per_second": rate,
        "throughput_ratio": rate / rate_full,
    }


def _likelihoods(full: Path, quantized: Path, resampling: Resampling) -> dict:
    """Return how the NLL of a quantized file compares with that of F16, from their NLL files."""
    questions = read_questions({"f16": full, "quantized": quantized})
    change = compare_nll(questions["quantized"], questions["f16"], resampling)
    nats, tokens = nll_ratio(questions["f16"])
    return {
        "nll_f16": sum(nats) / sum(tokens) if tokens else numpy.nan,
        "nll": change["nll"],
        "nll_difference": change["delta_nll"],
        "nll_difference_low": change["delta_low"],
        "nll_difference_high": change["delta_high"],
        "nll_p_value": change["p_value"],
    }


def _probes(full: Answers, quantized: Answers, resampling: Resampling) -> dict:
    """Return how often a quantized file answers the probe right, compared with F16."""
    change, p_value = difference(quantized, full, resampling)
    return (
        {"probe_f16": accuracy([full], resampling).value, "probe": accuracy([quantized], resampling).value}
        | interval_columns("probe_difference", change)
        | {"probe_p_value": p_value}
    )


def _recalls(paths: list[Path], required: Required, resampling: Resampling) -> dict:
    """Return which share of the required facts the answers of F16 and of a quantized file hold, and the difference."""
    full, quantized = (facts_held(read_jsonl(path), required.facts) for path in paths)
    if not full:
        return {"recall_f16": numpy.nan, "recall": numpy.nan} | interval_columns("recall_difference", UNKNOWN)
    sides = recall_ratio(full), recall_ratio({id_: quantized[id_] for id_ in full})
    shares = [sum(side.numerators) / sum(side.denominators) for side in sides]
    change = paired_difference(sides[1], sides[0], resampling)
    return {"recall_f16": shares[0], "recall": shares[1]} | interval_columns("recall_difference", change)


def table5(
    *,
    judge: list[str],
    times: list[str],
    nll: list[str],
    probe: list[str],
    answers: list[str],
    testset: str,
    coverage: str,
    selected: str,
    parity: list[str],
    names: dict[str, str],
    **resampling: float,
) -> pandas.DataFrame:
    """Return each quantized GGUF file beside the F16 file it was made from: quality, speed and size (paper Table 5).

    Args:
        judge, times, nll, probe, answers: files of all models and formats.
        testset, coverage, selected: test_set_200.jsonl, testset/coverage.csv, scale/selected.json.
        parity: parity files of all models.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    judged, timed, measured = (by_model_and_format(paths, names) for paths in (judge, times, nll))
    probed, required = read_answers(probe), read_required(testset, coverage, selected)
    answered = by_model_and_format(answers, names)
    fidelity = {content["model"]: content["formats"] for content in map(read_json, parity)}
    table = []
    for model, fmt in judged:
        if not FORMATS[fmt].gguf or fmt in ("f16", BASE) or (model, "f16") not in judged:
            continue
        pair = (model, "f16"), (model, fmt)
        files = [read_judge(judged[key]) for key in pair]
        entry = fidelity[model][fmt]
        table.append(
            {"model": model, "name": names[model], "format": fmt}
            | _scores(*files, how)
            | _speeds(files, [timed[key] for key in pair])
            | {"bytes_f16": fidelity[model]["f16"]["bytes"]}
            | {key: entry[key] for key in ("bytes", "mean_kl", "top1_agreement")}
            | _likelihoods(*(measured[key] for key in pair), how)
            | _recalls([answered[key] for key in pair], required, how)
            | _probes(*(probed[f"{model}_{name}"] for model, name in pair), how)
        )
    frame = pandas.DataFrame(table, columns=list(COLUMNS))
    for name in ("p", "perfect_p", "nll_p", "probe_p"):
        frame[f"{name}_holm"] = holm(frame[f"{name}_value"].to_list())
    for prefix, below, above in TESTED:
        tests = zip(frame[f"{prefix}difference"], frame[f"{prefix}p_holm"], strict=True)
        frame[f"{prefix}verdict"] = [verdict(change, p_holm, how.level, below, above) for change, p_holm in tests]
    return frame
