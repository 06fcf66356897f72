"""Table 6: which quantization to ship for which model, by the rule in the configuration."""

from typing import NamedTuple

import numpy
import pandas

from tatara.files.formats import FORMATS, label_of
from tatara.report.numbers import DASH, number, percent, size
from tatara.report.tables.columns import MODEL, share, with_interval, words
from tatara.report.tables.common import in_order
from tatara.report.text_table import Column, Layout, read_table

MEASURED = tuple(f"{key}{end}" for key in ("nll_difference", "top1") for end in ("", "_low", "_high"))
COLUMNS = (
    *("model", "name", "architecture", "heads", "kv_heads", "attention", "qkv_bias"),
    *("recommended", "bytes", "share_of_f16", *MEASURED, "selected_on", "reason"),
)
LAYOUT = Layout(
    "Table 6. Which quantization to ship",
    "The rule stands in the configuration (quantization.max_delta_nll, quantization.min_top1): the smallest file whose "
    "{level} interval of Δ NLL against F16 ends below the first and whose interval of top-1 agreement with F16 begins "
    "above the second, and neither whose scores nor whose probe are shown to degrade. Δ NLL and top-1 are of the "
    "questions that the format is selected on, named in the last column but one. The attention shape is read from each "
    "model's own config.",
    {
        **MODEL,
        "Attention": Column(
            lambda row: f"{row['attention']}, {row['heads']:.0f} heads, {row['kv_heads']:.0f} KV", numeric=False
        ),
        "QKV bias": Column(lambda row: "yes" if str(row["qkv_bias"]) == "True" else "no", numeric=False),
        "Ship": words("recommended"),
        "Size": Column(lambda row: size(row["bytes"])),
        "Of F16": Column(lambda row: percent(row["share_of_f16"])),
        "Δ NLL": with_interval("nll_difference", 4, sign=True),
        "Top-1": share("top1"),
        "Selected on": words("selected_on"),
        "Why not smaller": words("reason"),
    },
)
PAPER = Layout(
    "The paper's Table 6",
    "All four models are GQA by their own configurations: the paper's column Attention is wrong.",
    {
        **MODEL,
        "Architecture": words("architecture"),
        "Attention": Column(lambda row: row["attention"] or DASH, numeric=False),
        "Ship": words("recommended"),
        "Why": words("reason"),
    },
)


class Rule(NamedTuple):
    """What a file must be shown to keep: at most so many nats a token more, at least this share of top tokens."""

    max_delta_nll: float
    min_top1: float


def attention(heads: int, kv_heads: int) -> str:
    """Return the kind of attention: MHA with a KV head a query head, MQA with one in all, else GQA (Ainslie 2023)."""
    return "MHA" if kv_heads == heads else "MQA" if kv_heads == 1 else "GQA"


def _failure(row, rule: Rule, verdicts: dict) -> str:
    """Return why a variant may not be shipped, or an empty text."""
    if numpy.isnan(row.top1):
        return "it was not compared with F16"
    high = row.nll_difference if numpy.isnan(row.nll_difference_high) else row.nll_difference_high
    low = row.top1 if numpy.isnan(row.top1_low) else row.top1_low
    if high > rule.max_delta_nll:
        return f"Δ NLL may be {number(high, 4, sign=True)}, above {rule.max_delta_nll:g}"
    if low < rule.min_top1:
        return f"top-1 agreement may be {percent(low, 1)}, below {percent(rule.min_top1, 0)}"
    if row.probe_verdict == "degrades":
        return f"its probe is shown to degrade ({number(100 * row.probe_difference, 1, sign=True)} points)"
    if verdicts.get((row.model, row.variant)) == "degrades":
        return "its answers score less than those of F16 (table 5)"
    return ""


def _choice(rows: pandas.DataFrame, rule: Rule, verdicts: dict) -> dict:
    """Return what to ship of one model and why, from its rows of the ladder."""
    full = rows[rows["variant"] == "f16"].iloc[0]
    others = rows[rows["variant"] != "f16"].sort_values(["bytes", "nll_difference"], kind="stable")
    failures = {row.variant: _failure(row, rule, verdicts) for row in others.itertuples()}
    passed = [row for row in others.itertuples() if not failures[row.variant]]
    # Of one size means within one part in a thousand: an importance matrix changes the header, not the weights' bits.
    near = [row for row in passed if row.bytes <= 1.001 * passed[0].bytes]
    best = min(near, key=lambda row: row.nll_difference, default=None)
    if len(others) and others["top1"].isna().all():
        reason = "no question has a reference answer, by which smaller files would be compared with F16"
        return {"recommended": FORMATS["f16"].label, "bytes": full["bytes"], "share_of_f16": 1.0, "reason": reason}
    limit = full["bytes"] if best is None else best.bytes
    smaller = [row for row in others.itertuples() if failures[row.variant] and row.bytes < limit]
    reasons = [f"{label_of(row.variant)}: {failures[row.variant]}" for row in reversed(smaller)]
    if best is None:
        shipped = {"recommended": FORMATS["f16"].label, "bytes": full["bytes"], "share_of_f16": 1.0}
        return shipped | {"reason": "; ".join(["no smaller file passes", *reasons])}
    shipped = {"recommended": label_of(best.variant), "bytes": best.bytes, "share_of_f16": best.bytes / full["bytes"]}
    shipped |= {"reason": "; ".join(reasons) or "the smallest that was measured"}
    return shipped | {key: getattr(best, key) for key in MEASURED}


def _selecting(measured: pandas.DataFrame) -> pandas.DataFrame:
    """Return the ladder with Δ NLL and top-1 of the questions that are for selecting, where there are some."""
    measured = measured.assign(selected_on="test questions, for want of others")
    has_development = measured["dev_top1"].notna()
    for key in MEASURED:
        measured.loc[has_development, key] = measured.loc[has_development, f"dev_{key}"]
    measured.loc[has_development, "selected_on"] = "development questions"
    return measured


def table6(
    *, ladder: str, table5: str, parity: list[str], names: dict[str, str], max_delta_nll: float, min_top1: float
) -> pandas.DataFrame:
    """Return which format to ship for each model (paper Table 6).

    The rule: the smallest file that is shown to lose less than `max_delta_nll` (upper end of its interval) and to agree
    with F16 on more than `min_top1` of the tokens (lower end), both on the development questions where there are some,
    whose probe is not shown to degrade, and whose scores do not degrade where it was judged; of two such files of one
    size, the one with less NLL. If there is none, F16. A model without GGUF is shipped as it was trained.

    Args:
        ladder: quant/ladder.csv; table5: tables/table5.csv; parity: parity files of all models.
        names: model -> display name, in the order of the rows.
        max_delta_nll: nats a token; min_top1: a share.
    """
    measured, scored = _selecting(read_table(ladder)), read_table(table5)
    verdicts = {(row.model, row.format): row.verdict for row in scored.itertuples()}
    table = []
    for model, content in in_order(parity, names).items():
        shape = content["shape"]
        entry = {"model": model, "name": names[model]}
        entry |= {key: shape[key] for key in ("architecture", "heads", "kv_heads", "qkv_bias")}
        entry["attention"] = attention(shape["heads"], shape["kv_heads"])
        rows = measured[measured["model"] == model]
        if rows.empty:
            table.append(
                entry
                | {"recommended": FORMATS["nf4"].label, "selected_on": DASH, "reason": f"no GGUF: {content['reason']}"}
            )
        else:
            entry |= {"selected_on": rows["selected_on"].iloc[0]}
            table.append(entry | _choice(rows, Rule(max_delta_nll, min_top1), verdicts))
    return pandas.DataFrame(table, columns=list(COLUMNS))
