"""Table 2: likelihood of the test set by training size."""

import pandas

from tatara.measure.probe import read_answers
from tatara.measure.selection import read_scale, size_rows
from tatara.measure.stats import Resampling
from tatara.report.numbers import interval
from tatara.report.tables.columns import PROBE, PROBE_NOTE, count, decimals, p_values, with_interval, words
from tatara.report.tables.common import probe_columns
from tatara.report.text_table import Column, Layout

LAYOUT = Layout(
    "Table 2. Test-set NLL by size",
    "NLL in nats per answer token over the reference answers, PPL = exp(NLL), bits per UTF-8 byte of the answer. Δ NLL "
    "is against the size before; in brackets {level} bootstrap intervals over questions. The status follows from p, a "
    "paired permutation test over questions. " + PROBE_NOTE.strip(),
    {
        "n": count("n"),
        "NLL": with_interval("nll", 4),
        "PPL": with_interval("ppl"),
        "Bits per byte": with_interval("bits_per_byte", 3),
        "Δ NLL": Column(lambda row: interval(row["delta_nll"], row["delta_low"], row["delta_high"], 4, sign=True)),
        "p": p_values("p_value"),
        "Status": words("status"),
        **PROBE,
        "SD over seeds": decimals("sd_over_seeds", 4),
        "Seeds": count("seeds"),
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


def table2(*, scale: str, nll: list[str], probe: list[str], **resampling: float) -> pandas.DataFrame:
    """Return test NLL, perplexity and bits a byte by size, each compared with the size before, and the probe (Table 2).

    Args:
        scale: scale.csv.
        nll, probe: the NLL and probe files of the stage 1 runs.
        resampling: seed, resamples and level.
    """
    how, runs, answers = Resampling(**resampling), read_scale(scale), read_answers(probe)
    rows = size_rows(runs, nll, how)
    for row in rows:
        row |= probe_columns([answers[run["run"]] for run in runs if run["n"] == row["n"]], how)
    return pandas.DataFrame(rows)
