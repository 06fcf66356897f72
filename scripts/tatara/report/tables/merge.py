"""The merge table: what merging and conversion cost, by token, against the adapter on its NF4 base."""

import numpy
import pandas

from tatara.files.formats import FORMATS
from tatara.measure.results import by_model_and_format, read_json
from tatara.measure.stats import (
    UNKNOWN,
    Ratio,
    Resampling,
    bootstrap_ratio,
    interval_columns,
    paired_difference,
    permutation_test,
)
from tatara.report.tables.common import MODEL, in_order, judge_likelihoods, p_values, with_interval, words
from tatara.report.text_table import Layout

LABELS = {
    "nf4": "adapter on NF4",
    "merged_16bit": "merged, 16-bit base",
    "merged_dequantized": "merged, dequantized base",
}
LAYOUT = Layout(
    "What merging and conversion cost",
    "NLL of the reference answers in nats per token. Δ is against the adapter on its NF4 base, the very model that was "
    "trained; brackets are {level} bootstrap intervals over questions, p by a paired permutation test after Holm's "
    "correction within the model.",
    {
        **MODEL,
        "As": words("label"),
        "NLL": with_interval("nll", 4),
        "Δ NLL": with_interval("difference", 4, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
    },
)


def _row(measured: dict, trained: dict, resampling: Resampling) -> dict:
    """Return the NLL of one form of a model and its difference from what was trained, from their NLL files."""
    tokens = [question["tokens"] for question in trained["questions"]]
    ratios = [Ratio([question["nats"] for question in nll["questions"]], tokens) for nll in (measured, trained)]
    reference = measured is trained
    return (
        {"tokens": sum(tokens)}
        | interval_columns("nll", bootstrap_ratio(*ratios[0], resampling))
        | interval_columns("difference", UNKNOWN if reference else paired_difference(*ratios, resampling))
        | {"p_value": numpy.nan if reference else permutation_test(*ratios, resampling)}
    )


def merge_table(
    *,
    adapters: list[str],
    merges: list[str],
    files: list[str],
    names: dict[str, str],
    seed: int,
    level: float,
    resamples: int,
) -> pandas.DataFrame:
    """Return the likelihood of the test set under the adapter on its NF4 base, each merge and each GGUF file.

    Args:
        adapters: nll/{model}_nf4.json: what was trained, and what the others are compared with.
        merges: quant/{model}-merge.json.
        files: nll/{model}_{fmt}.json of GGUF files.
        names: model -> display name, in the order of the rows.
    """
    resampling = Resampling(seed, resamples, level)
    paths = by_model_and_format([*adapters, *files], names)
    table = []
    for model, content in in_order(merges, names).items():
        trained = read_json(paths[model, "nf4"])
        forms = {"nf4": trained} | {key: content[key] for key in LABELS if key in content}
        forms |= {fmt: read_json(path) for (owner, fmt), path in paths.items() if owner == model and fmt != "nf4"}
        rows = []
        for variant, measured in forms.items():
            label = LABELS.get(variant) or f"GGUF {FORMATS[variant].label}"
            row = {"model": model, "name": names[model], "variant": variant, "label": label}
            rows.append(row | _row(measured, trained, resampling))
        judge_likelihoods(rows, "difference", level)
        table += rows
    return pandas.DataFrame(table)
