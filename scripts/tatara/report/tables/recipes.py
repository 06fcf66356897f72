"""The ways to train beside each other, on the development questions: what moves a model, and what does not."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy
import pandas

from tatara.files.jsonl import read_jsonl
from tatara.measure.probe import read_answers
from tatara.measure.results import read_json, read_judge, read_questions
from tatara.measure.sizes import nll_ratio
from tatara.measure.stats import (
    UNKNOWN,
    Ratio,
    Resampling,
    bootstrap_mean,
    bootstrap_ratio,
    interval_columns,
    paired_difference,
)
from tatara.measure.taught import Required, read_coverage
from tatara.report.tables.columns import (
    PROBE,
    SAID_AGAIN,
    SAID_AGAIN_NOTE,
    count,
    decimals,
    p_values,
    points,
    share,
    with_interval,
    words,
)
from tatara.report.tables.common import (
    compare_probes,
    compare_with_reference,
    judge_likelihoods,
    probe_columns,
    recall_columns,
    said_again_columns,
    valid_scores,
)
from tatara.report.text_table import Column, Layout

LAYOUT = Layout(
    "Recipes: what teaches",
    "Ways to train, measured on the development questions. Δ, p and verdicts are against the first way that trains: "
    "NLL of the reference answers in nats per token by a paired permutation test, the probe over all of its items by "
    "McNemar's test, each after Holm's correction over the table. Probe: share of four-option items answered right, 25 "
    "% without knowledge; held out: of relations that no pair teaches. Score, taught: 0 to 3 by the rubric, of "
    "questions of which the pairs teach every fact; recall: share of the required facts that the answers hold. "
    + SAID_AGAIN_NOTE
    + "Neutral text: bits per UTF-8 byte of sentences that have nothing to do with the domain, and the change from the "
    "untuned model. Brackets are {level} intervals over questions, nodes of the graph or sentences.",
    {
        "Recipe": words("name"),
        "Pairs": count("n"),
        "Epochs": count("epochs"),
        "Trained parameters": Column(
            lambda row: "—" if math.isnan(row["parameters"]) else f"{row['parameters'] / 1e6:.2f} M"
        ),
        "Seconds": decimals("seconds", 0),
        "NLL": with_interval("nll", 3),
        "Δ NLL": with_interval("difference", 3, sign=True),
        "p": p_values("p_holm"),
        **PROBE,
        "Δ probe": points("probe_difference"),
        "p, probe": p_values("probe_p_holm"),
        "Probe verdict": words("probe_verdict"),
        "Score, taught": with_interval("score_taught", 2),
        "Recall, taught": share("recall_taught"),
        "Recall, others": share("recall_untaught"),
        **SAID_AGAIN,
        "Neutral text": with_interval("bits", 3),
        "Its change": with_interval("bits_change", 3, sign=True),
    },
)


def _by_arm(paths: list[str]) -> dict[str, Path]:
    """Return arm -> its file, which lies in a folder of its name."""
    return {Path(path).parent.name: Path(path) for path in paths}


def _bits(path: Path) -> Ratio:
    """Return bits and bytes of each neutral sentence."""
    rows = read_jsonl(path)
    return Ratio([row["nats"] / math.log(2) for row in rows], [row["bytes"] for row in rows])


def _training(path: Path | None) -> dict:
    """Return what train.json says of epochs, trained parameters and seconds; NaN for a model without training."""
    if path is None:
        return dict.fromkeys(("epochs", "parameters", "seconds"), numpy.nan)
    report = read_json(path)
    return {
        "epochs": report["epochs"],
        "parameters": report["trainable_parameters"],
        "seconds": report["seconds"],
    }


def _neutral(arm: str, base: str, bits: Callable[[str], Ratio], how: Resampling) -> dict:
    """Return bits per byte of neutral text, and their change from the untuned model."""
    own, before = bits(arm), bits(base)
    if not own.denominators:
        return interval_columns("bits", UNKNOWN) | interval_columns("bits_change", UNKNOWN)
    change = UNKNOWN if arm == base else paired_difference(own, before, how)
    return interval_columns("bits", bootstrap_ratio(*own, how)) | interval_columns("bits_change", change)


def recipes_table(
    *,
    nll: list[str],
    probe: list[str],
    neutral: list[str],
    answers: list[str],
    seconds: list[str],
    judge: list[str],
    train: list[str],
    dev: str,
    coverage: str,
    arms: dict[str, dict],
    **resampling: float,
) -> pandas.DataFrame:
    """Return one row a way to train, those without training first.

    Args:
        nll, probe, neutral, answers, seconds, judge: files of all arms; train: of those that train.
        dev, coverage: testset/dev.jsonl, testset/coverage_dev.csv.
        arms: arm -> what it is made of (`recipes.arms_of`); the first with pairs is the reference.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    likelihoods, sentences, reports = _by_arm(nll), _by_arm(neutral), _by_arm(train)
    answered, judged = _by_arm(answers), _by_arm(judge)
    probes = {Path(path).parent.name: next(iter(read_answers([path]).values())) for path in probe}
    facts = {row["id"]: row["facts"] for row in read_jsonl(dev)}
    untuned = {entry["model"]: arm for arm, entry in arms.items() if not entry["n"]}
    trained = [arm for arm, entry in arms.items() if entry["n"]]
    reference, rows = nll_ratio(read_questions({0: likelihoods[trained[0]]})[0]), {}
    for arm in [*trained, *untuned.values()]:
        entry = arms[arm]
        required = Required(facts, read_coverage(coverage, entry["n"] or arms[trained[0]]["n"]))
        scores = valid_scores(read_judge(judged[arm]))
        taught = [scores[id_] for id_ in scores.index if required.taught[id_].group == "taught"]
        ratio = reference if arm == trained[0] else nll_ratio(read_questions({0: likelihoods[arm]})[0])
        rows[arm] = (
            {"arm": arm, "name": entry["name"], "model": entry["model"], "n": entry["n"]}
            | _training(reports.get(arm))
            | interval_columns("nll", bootstrap_ratio(*ratio, how))
            | compare_with_reference("difference", ratio, reference, how)
            | probe_columns([probes[arm]], how)
            | interval_columns("score_taught", bootstrap_mean(taught, how) if taught else UNKNOWN)
            | {"taught_questions": len(taught)}
            | recall_columns([answered[arm]], required, how)
            | said_again_columns(answered[arm], how)
            | _neutral(arm, untuned[entry["model"]], lambda name: _bits(sentences[name]), how)
        )
    judge_likelihoods(list(rows.values()), "difference", how.level)
    compare_probes(list(rows.values()), [probes[arm] for arm in rows], how)
    return pandas.DataFrame([rows[arm] for arm in arms])
