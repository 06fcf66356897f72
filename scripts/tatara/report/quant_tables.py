"""The quantization ladder, the merge table and table 6 as data frames of plain numbers, from result files.

All of them compare by token over the same questions: what 100 scores cannot tell apart, some ten thousand tokens can.
"""

from pathlib import Path

import numpy
import pandas

from tatara.files.formats import FORMATS, label_of
from tatara.measure.results import by_model_and_format, read_json
from tatara.measure.stats import (
    LEVEL,
    SAMPLES,
    bootstrap_ratio,
    holm,
    interval_columns,
    paired_difference,
    permutation_test,
)
from tatara.report.table_text import number, percent, read_table
from tatara.report.tables import UNKNOWN, verdict

MERGES = {
    "nf4": "adapter on NF4",
    "merged_16bit": "merged, 16-bit base",
    "merged_dequantized": "merged, dequantized base",
}
LADDER_COLUMNS = (
    "model",
    "name",
    "variant",
    "questions",
    "tokens",
    "bytes",
    "bits_per_weight",
    "other_types",
    "nll",
    "nll_difference",
    "nll_difference_low",
    "nll_difference_high",
    "p_value",
    "p_holm",
    "verdict",
    "kl",
    "kl_low",
    "kl_high",
    "top1",
    "top1_low",
    "top1_high",
    "tokens_per_second",
)
TABLE6_COLUMNS = (
    "model",
    "name",
    "architecture",
    "heads",
    "kv_heads",
    "attention",
    "qkv_bias",
    "recommended",
    "bytes",
    "share_of_f16",
    "nll_difference",
    "nll_difference_low",
    "nll_difference_high",
    "top1",
    "top1_low",
    "top1_high",
    "reason",
)


def _ordered(paths: list[str], names: dict[str, str]) -> dict[str, dict]:
    """Return model -> content of its file, in the order of `names`."""
    contents = {content["model"]: content for content in map(read_json, paths)}
    return {model: contents[model] for model in names if model in contents}


def ladder_table(
    *,
    ladder: list[str],
    times: list[str],
    names: dict[str, str],
    seed: int,
    level: float = LEVEL,
    resamples: int = SAMPLES,
) -> pandas.DataFrame:
    """Return what each format does to each model, by token, with intervals over questions.

    Args:
        ladder, times: quant/{model}.json and quant/{model}_seconds.csv.
        names: model -> display name, in the order of the rows.

    Returns:
        KL(F16 || variant) and the NLL difference in nats a token, top-1 agreement as a share, sizes in bytes; p-values
        of paired permutation tests, corrected by Holm's method within a model.
    """
    rates = {}
    for path in times:
        timed = pandas.read_csv(path)
        rates[Path(path).stem.removesuffix("_seconds")] = dict(
            zip(timed["variant"], timed["tokens"] / timed["seconds"], strict=True)
        )
    table = []
    for model, content in _ordered(ladder, names).items():
        tokens = [question["tokens"] for question in content["questions"]]
        full = content["variants"]["f16"]
        p_values = []
        for variant, entry in content["variants"].items():
            base = variant == "f16"
            columns = entry["nats"], tokens, full["nats"], tokens
            difference = UNKNOWN if base else paired_difference(*columns, seed, resamples, level)
            if not base:
                p_values.append(permutation_test(*columns, seed, resamples))
            table.append(
                {
                    "model": model,
                    "name": names[model],
                    "variant": variant,
                    "questions": len(tokens),
                    "tokens": sum(tokens),
                    "bytes": entry["bytes"],
                    "bits_per_weight": entry["bits_per_weight"],
                    "other_types": entry["other_types"],
                    "nll": sum(entry["nats"]) / sum(tokens),
                }
                | interval_columns("nll_difference", difference)
                | {"p_value": numpy.nan if base else p_values[-1]}
                | interval_columns("kl", bootstrap_ratio(entry["kl"], tokens, seed, resamples, level))
                | interval_columns("top1", bootstrap_ratio(entry["top1"], tokens, seed, resamples, level))
                | {"tokens_per_second": rates[model][variant]}
            )
        adjusted = [numpy.nan, *holm(p_values)]
        for row, p_holm in zip(table[-len(adjusted) :], adjusted, strict=True):
            row["p_holm"] = p_holm
            row["verdict"] = (
                "reference"
                if numpy.isnan(p_holm)
                else verdict(row["nll_difference"], p_holm, level, "improves", "degrades")
            )
    return pandas.DataFrame(table, columns=list(LADDER_COLUMNS))


def merge_table(
    *,
    adapters: list[str],
    merges: list[str],
    files: list[str],
    names: dict[str, str],
    seed: int,
    level: float = LEVEL,
    resamples: int = SAMPLES,
) -> pandas.DataFrame:
    """Return the likelihood of the test set under the adapter on its NF4 base, under each merge and under each GGUF
    file.

    Args:
        adapters: nll/{model}_nf4.json: what was trained, and what the others are compared with.
        merges: quant/{model}-merge.json.
        files: nll/{model}_{fmt}.json of GGUF files.
    """
    measured = by_model_and_format([*adapters, *files], names)
    table = []
    for model, content in _ordered(merges, names).items():
        trained = read_json(measured[model, "nf4"])
        others = {key: content[key] for key in MERGES if key in content}
        others |= {fmt: read_json(path) for (owner, fmt), path in measured.items() if owner == model and fmt != "nf4"}
        tokens = [question["tokens"] for question in trained["questions"]]
        nats = [question["nats"] for question in trained["questions"]]
        rows, p_values = [], []
        for key, entry in {"nf4": trained, **others}.items():
            own = [question["nats"] for question in entry["questions"]]
            columns = own, tokens, nats, tokens
            base = key == "nf4"
            if not base:
                p_values.append(permutation_test(*columns, seed, resamples))
            difference = UNKNOWN if base else paired_difference(*columns, seed, resamples, level)
            rows.append(
                {
                    "model": model,
                    "name": names[model],
                    "variant": key,
                    "label": MERGES.get(key) or f"GGUF {FORMATS[key].label}",
                    "tokens": sum(tokens),
                }
                | interval_columns("nll", bootstrap_ratio(own, tokens, seed, resamples, level))
                | interval_columns("difference", difference)
                | {"p_value": numpy.nan if base else p_values[-1]}
            )
        for row, p_holm in zip(rows, [numpy.nan, *holm(p_values)], strict=True):
            row["p_holm"] = p_holm
            row["verdict"] = (
                "reference"
                if numpy.isnan(p_holm)
                else verdict(row["difference"], p_holm, level, "improves", "degrades")
            )
        table += rows
    return pandas.DataFrame(table)


def attention(heads: int, kv_heads: int) -> str:
    """Return the kind of attention: MHA with one key-value head a query head, MQA with one for all, else GQA (Ainslie
    et al. 2023).
    """
    return "MHA" if kv_heads == heads else "MQA" if kv_heads == 1 else "GQA"


def _fails(row, max_delta_nll: float, min_top1: float, judged: dict) -> str:
    """Return why a variant may not be shipped, or an empty text."""
    high = row.nll_difference if numpy.isnan(row.nll_difference_high) else row.nll_difference_high
    low = row.top1 if numpy.isnan(row.top1_low) else row.top1_low
    if high > max_delta_nll:
        return f"Δ NLL may be {number(high, 4, sign=True)}, above {max_delta_nll:g}"
    if low < min_top1:
        return f"top-1 agreement may be {percent(low, 1)}, below {percent(min_top1, 0)}"
    if judged.get((row.model, row.variant)) == "degrades":
        return "its answers score less than those of F16 (table 5)"
    return ""


def table6(
    *, ladder: str, table5: str, parity: list[str], names: dict[str, str], max_delta_nll: float, min_top1: float
) -> pandas.DataFrame:
    """Return which format to ship for each model (paper Table 6).

    The rule: the smallest file that is shown to lose less than `max_delta_nll` (upper end of its interval) and to agree
    with F16 on more than `min_top1` of the tokens (lower end), and whose scores do not degrade where it was judged; of
    two such files of one size, the one with less NLL. If there is none, F16. A model without GGUF is shipped as its
    adapter on NF4.

    Args:
        ladder: quant/ladder.csv; table5: tables/table5.csv; parity: parity files of all models.
        max_delta_nll: nats a token; min_top1: a share.
    """
    measured, scored = read_table(ladder), read_table(table5)
    judged = {(row.model, row.format): row.verdict for row in scored.itertuples()}
    table = []
    for model, content in _ordered(parity, names).items():
        shape = content["shape"]
        entry = {
            "model": model,
            "name": names[model],
            "architecture": shape["architecture"],
            "heads": shape["heads"],
            "kv_heads": shape["kv_heads"],
            "attention": attention(shape["heads"], shape["kv_heads"]),
            "qkv_bias": shape["qkv_bias"],
        }
        rows = measured[measured["model"] == model]
        if rows.empty:
            table.append(entry | {"recommended": FORMATS["nf4"].label, "reason": f"no GGUF: {content['reason']}"})
            continue
        full = rows[rows["variant"] == "f16"].iloc[0]
        others = rows[rows["variant"] != "f16"].sort_values(["bytes", "nll_difference"], kind="stable")
        failed = {row.variant: _fails(row, max_delta_nll, min_top1, judged) for row in others.itertuples()}
        passed = [row for row in others.itertuples() if not failed[row.variant]]
        # Of one size means within one part in a thousand: an importance matrix changes the header, not the weights'
        # bits.
        near = [row for row in passed if row.bytes <= 1.001 * passed[0].bytes]
        best = min(near, key=lambda row: row.nll_difference, default=None)
        limit = full["bytes"] if best is None else best.bytes
        sizes = zip(others["variant"], others["bytes"], strict=True)
        reasons = [
            f"{label_of(variant)}: {failed[variant]}" for variant, size in sizes if failed[variant] and size < limit
        ][::-1]
        if best is None:
            entry |= {"recommended": FORMATS["f16"].label, "bytes": full["bytes"], "share_of_f16": 1.0}
            entry |= {"reason": "; ".join(["no smaller file passes", *reasons])}
        else:
            entry |= {
                "recommended": label_of(best.variant),
                "bytes": best.bytes,
                "share_of_f16": best.bytes / full["bytes"],
            }
            entry |= {"reason": "; ".join(reasons) or "the smallest that was measured"}
            entry |= {
                f"{key}{end}": getattr(best, key + end)
                for key in ("nll_difference", "top1")
                for end in ("", "_low", "_high")
            }
        table.append(entry)
    return pandas.DataFrame(table, columns=list(TABLE6_COLUMNS))
