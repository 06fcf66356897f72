"""The quantization ladder: what each format does to each model, by token.

Formats are compared over the same questions: what 100 scores cannot tell apart, some ten thousand tokens can.
"""

from pathlib import Path

import numpy
import pandas

from tatara.files.formats import label_of
from tatara.measure.probe import accuracy, read_answers
from tatara.measure.stats import UNKNOWN, Ratio, Resampling, bootstrap_ratio, interval_columns, paired_difference
from tatara.report.numbers import DASH, percent, size, small
from tatara.report.tables.columns import MODEL, decimals, p_values, points, share, with_interval, words
from tatara.report.tables.common import compare_probes, compare_with_reference, in_order, judge_likelihoods
from tatara.report.text_table import Column, Layout

COLUMNS = (
    *("model", "name", "variant", "questions", "tokens", "bytes", "bits_per_weight", "other_types", "nll"),
    *("nll_difference", "nll_difference_low", "nll_difference_high", "p_value", "p_holm", "verdict"),
    *("kl", "kl_low", "kl_high", "top1", "top1_low", "top1_high", "tokens_per_second"),
    *("probe", "probe_low", "probe_high", "probe_difference", "probe_difference_low", "probe_difference_high"),
    *("probe_p_value", "probe_p_holm", "probe_verdict"),
    *("dev_nll_difference", "dev_nll_difference_low", "dev_nll_difference_high"),
    *("dev_top1", "dev_top1_low", "dev_top1_high"),
)


def _kl(row: dict) -> str:
    value, low, high = (small(row[f"kl{end}"]) for end in ("", "_low", "_high"))
    return value if low == DASH else f"{value} [{low}, {high}]"


LAYOUT = Layout(
    "The quantization ladder, by token",
    "Over the answer tokens of the reference answers, against F16, in nats per token; brackets are {level} bootstrap "
    "intervals over questions. A verdict needs a paired permutation test after Holm's correction within the model. "
    "imatrix: quantized with an importance matrix computed on the training subset. Other types: share of the weights "
    "that llama.cpp stored in types of more bits than the format's, since the rows of their matrices are no multiple "
    "of 256 long. Prompt tokens/s is how fast the file reads text on this machine. Probe: share of four-option items "
    "about the graph that are answered right, Δ in percentage points against F16 with intervals over nodes, its "
    "verdict by McNemar's test after Holm's correction.",
    {
        **MODEL,
        "Format": Column(lambda row: label_of(row["variant"]), numeric=False),
        "Size": Column(lambda row: size(row["bytes"])),
        "Bits/weight": decimals("bits_per_weight"),
        "Other types": Column(lambda row: percent(row["other_types"]) if row["other_types"] else DASH),
        "KL": Column(_kl),
        "Top-1": share("top1"),
        "Δ NLL": with_interval("nll_difference", 4, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
        "Probe": share("probe"),
        "Δ probe": points("probe_difference"),
        "Probe verdict": words("probe_verdict"),
        "Prompt tokens/s": decimals("tokens_per_second", 0),
    },
    "No model has a GGUF file.",
)


def _row(entry: dict, nll: Ratio, full: Ratio, resampling: Resampling) -> dict:
    """Return what was measured of one variant, against F16.

    Args:
        entry: nats, kl and top1 of each question, bytes, bits_per_weight, other_types.
        nll, full: nats and answer tokens of each question, of the variant and of F16.
    """
    tokens = nll.denominators
    return (
        {"questions": len(tokens), "tokens": sum(tokens)}
        | {key: entry[key] for key in ("bytes", "bits_per_weight", "other_types")}
        | {"nll": sum(nll.numerators) / sum(tokens) if tokens else numpy.nan}
        | compare_with_reference("nll_difference", nll, full, resampling)
        | interval_columns("kl", bootstrap_ratio(entry["kl"], tokens, resampling))
        | interval_columns("top1", bootstrap_ratio(entry["top1"], tokens, resampling))
    )


def _development(content: dict, variant: str, resampling: Resampling) -> dict:
    """Return Δ NLL and top-1 agreement on the development questions, by which a format is selected."""
    tokens = [question["tokens"] for question in content["development"]]
    if not tokens:
        return interval_columns("dev_nll_difference", UNKNOWN) | interval_columns("dev_top1", UNKNOWN)
    entry, full = (content["variants"][name]["development"] for name in (variant, "f16"))
    ratios = {name: Ratio(one["nats"], tokens) for name, one in (("own", entry), ("f16", full))}
    difference = UNKNOWN if variant == "f16" else paired_difference(ratios["own"], ratios["f16"], resampling)
    return interval_columns("dev_nll_difference", difference) | interval_columns(
        "dev_top1", bootstrap_ratio(entry["top1"], tokens, resampling)
    )


def ladder_table(
    *, ladder: list[str], times: list[str], probe: list[str], names: dict[str, str], **resampling: float
) -> pandas.DataFrame:
    """Return what each format does to each model, by token, with intervals over questions.

    Args:
        ladder, times, probe: quant/{model}.json, quant/{model}_seconds.csv and probe/{model}-ladder.csv.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.

    Returns:
        KL(F16 || variant) and the NLL difference in nats a token, top-1 agreement as a share, sizes in bytes; p-values
        of paired permutation tests, corrected by Holm's method within a model.
    """
    how = Resampling(**resampling)
    rates, answers = {}, read_answers(probe)
    for path in times:
        timed = pandas.read_csv(path)
        speeds = zip(timed["variant"], timed["tokens"] / timed["seconds"], strict=True)
        rates[Path(path).stem.removesuffix("_seconds")] = dict(speeds)
    table = []
    for model, content in in_order(ladder, names).items():
        tokens = [question["tokens"] for question in content["questions"]]
        ratios = {variant: Ratio(entry["nats"], tokens) for variant, entry in content["variants"].items()}
        rows = [
            {"model": model, "name": names[model], "variant": variant}
            | _row(entry, ratios[variant], ratios["f16"], how)
            | _development(content, variant, how)
            | {"tokens_per_second": rates[model][variant]}
            | interval_columns("probe", accuracy([answers[f"{model}_{variant}"]], how))
            for variant, entry in content["variants"].items()
        ]
        judge_likelihoods(rows, "nll_difference", how.level)
        compare_probes(rows, [answers[f"{model}_{row['variant']}"] for row in rows], how)
        table += rows
    return pandas.DataFrame(table, columns=list(COLUMNS))
