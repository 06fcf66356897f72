"""Table 2: likelihood of the test set by training size."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pandas

from tatara.files.jsonl import read_jsonl
from tatara.measure.probe import read_answers
from tatara.measure.recall_by_size import pooled
from tatara.measure.results import read_json, read_questions
from tatara.measure.sizes import read_scale, size_rows
from tatara.measure.stats import UNKNOWN, Ratio, Resampling, bootstrap_ratio, interval_columns
from tatara.measure.taught import GROUPS, Required, facts_held, read_coverage, recall, recall_ratio
from tatara.report.numbers import DASH, interval, p_value, percent
from tatara.report.tables.columns import (
    PROBE,
    PROBE_NOTE,
    RECALL,
    count,
    decimals,
    p_values,
    share,
    with_interval,
    words,
)
from tatara.report.tables.common import probe_columns, recall_columns
from tatara.report.text_table import Column, Layout


def _untuned(row: dict) -> str:
    """Return the difference from the untuned model; a dash where there is none."""
    ends = (row.get(f"untuned_{key}", math.nan) for key in ("delta_nll", "delta_low", "delta_high"))
    return interval(*ends, 4, sign=True)


LAYOUT = Layout(
    "Table 2. Test-set NLL by size",
    "NLL in nats per answer token over the reference answers, PPL = exp(NLL), bits per UTF-8 byte of the answer. Δ NLL "
    "is against the size before; n = 0 is the untuned model, measured as the others are, and Δ untuned is against it. "
    "Brackets are {level} bootstrap intervals over questions. The status follows from p, of a paired permutation test "
    "over questions. NLL, taught and untaught: of questions of which the largest subset teaches all facts, or none. "
    + PROBE_NOTE
    + "Recall, where rule recall selects by it: share of the facts that the development questions require which the "
    "answers hold: of all (SD: between seeds), of those that this size's pairs teach (n = 0: the largest), and of "
    "the others.",
    {
        "n": count("n"),
        "NLL": with_interval("nll", 4),
        "PPL": with_interval("ppl"),
        "Bits per byte": with_interval("bits_per_byte", 3),
        "Δ NLL": Column(lambda row: interval(row["delta_nll"], row["delta_low"], row["delta_high"], 4, sign=True)),
        "p": p_values("p_value"),
        "Status": words("status"),
        "Δ untuned": Column(_untuned),
        "p, untuned": Column(lambda row: p_value(row.get("untuned_p_value", math.nan))),
        "NLL, taught": with_interval("nll_taught", 3),
        "NLL, untaught": with_interval("nll_untaught", 3),
        **PROBE,
        "Recall, development": replace(share("recall"), optional=True),
        **{heading: replace(column, optional=True) for heading, column in RECALL.items()},
        "SD of recall": Column(lambda row: percent(row["recall_sd_over_seeds"], 1), optional=True),
        "SD over seeds": decimals("sd_over_seeds", 4),
        "Seeds": Column(lambda row: f"{row['seeds']:.0f}" if row["n"] else DASH),
    },
)
PAPER = Layout(
    "The paper's Table 2",
    "Nats per answer token of another tokenizer than ours: compare the shape, not the height.",
    {
        "n": count("n"),
        "NLL": decimals("nll", 4),
        "PPL": decimals("ppl"),
        "Δ NLL": decimals("delta_nll", 3, sign=True),
        "Status": words("status"),
    },
)


def _recalls(answers: list[str], required: Required, resampling: Resampling) -> dict:
    """Return the recall of several seeds' answers, of all facts, of those that are taught and of the others, and the
    standard deviation of the first between seeds, NaN for one.
    """
    every = [facts_held(read_jsonl(path), required.facts) for path in answers]
    shares = [recall_ratio(one).whole for one in every]
    return (
        interval_columns("recall", recall(pooled(every), resampling))
        | {"recall_sd_over_seeds": stdev(shares) if len(shares) > 1 else math.nan}
        | recall_columns(answers, required, resampling)
    )


def table2(
    *,
    scale: str,
    nll: list[str],
    probe: list[str],
    coverage: str,
    untuned: Sequence[str] = (),
    answers: Sequence[str] = (),
    dev: str = "",
    coverage_dev: str = "",
    **resampling: float,
) -> pandas.DataFrame:
    """Return test NLL, perplexity and bits a byte by size, each compared with the size before, and the probe (Table 2).

    The first row is the untuned model where it was measured, and every size is compared with it.

    Args:
        scale: scale.csv.
        nll, probe: the NLL and probe files of the stage 1 runs; the probe of the untuned model with them.
        coverage: testset/coverage.csv; questions are told apart by what the largest subset teaches.
        untuned: the NLL file of the untuned model, or none.
        answers, dev, coverage_dev: answers of all of them to the development questions, these questions, and what the
            subsets teach of them; or none.
        resampling: seed, resamples and level.
    """
    how, runs, probes = Resampling(**resampling), read_scale(scale), read_answers(probe)
    rows = size_rows(runs, nll, how, *untuned)
    files = {read_json(path)["name"]: path for path in (*nll, *untuned)}
    measured = read_questions(files)
    said = {Path(path).stem: path for path in answers}
    facts = {row["id"]: row["facts"] for row in read_jsonl(dev)} if answers else {}
    largest = max(run["n"] for run in runs)
    taught = read_coverage(coverage, largest)
    for row in rows:
        names = [run["run"] for run in runs if run["n"] == row["n"]] or [f"{runs[0]['model']}_n0"]
        row |= probe_columns([probes[name] for name in names], how)
        row |= _recalls(
            [said[name] for name in names if name in said],
            Required(facts, read_coverage(coverage_dev, row["n"] or largest) if said else {}),
            how,
        )
        for group in (GROUPS[0], GROUPS[-1]):
            ids = [id_ for id_ in measured[names[0]] if taught[id_].group == group]
            several = [Ratio(*zip(*(measured[name][id_][:2] for name in names), strict=True)) for id_ in ids]
            ratio = Ratio([sum(one.numerators) for one in several], [sum(one.denominators) for one in several])
            row |= interval_columns(f"nll_{group}", bootstrap_ratio(*ratio, how) if ids else UNKNOWN)
    return pandas.DataFrame(rows)
