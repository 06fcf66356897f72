"""The merge table: what merging and conversion cost, by token, against the model as it was trained."""

import pandas

from tatara.files.formats import FORMATS
from tatara.measure.probe import accuracy, read_answers
from tatara.measure.results import by_model_and_format, read_json
from tatara.measure.stats import Ratio, Resampling, bootstrap_ratio, interval_columns
from tatara.report.tables.columns import MODEL, p_values, points, share, with_interval, words
from tatara.report.tables.common import compare_probes, compare_with_reference, in_order, judge_likelihoods
from tatara.report.text_table import Layout

LABELS = {
    "nf4": "as trained",
    "merged_16bit": "merged, 16-bit base",
    "merged_dequantized": "merged, base as trained",
}
LAYOUT = Layout(
    "What merging and conversion cost",
    "NLL of the reference answers in nats per token. Δ is against the model as it was trained, its base in the "
    "precision of train.base_precision; brackets are {level} bootstrap intervals over questions, p by a paired "
    "permutation test after Holm's correction within the model. Probe: share of four-option items about the graph that "
    "are answered right, Δ in percentage points with intervals over nodes, its verdict by McNemar's test after Holm's "
    "correction.",
    {
        **MODEL,
        "As": words("label"),
        "NLL": with_interval("nll", 4),
        "Δ NLL": with_interval("difference", 4, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
        "Probe": share("probe"),
        "Δ probe": points("probe_difference"),
        "Probe verdict": words("probe_verdict"),
    },
)


def merge_table(
    *,
    adapters: list[str],
    merges: list[str],
    files: list[str],
    probe: list[str],
    names: dict[str, str],
    **resampling: float,
) -> pandas.DataFrame:
    """Return the likelihood of the test set under the model as it was trained, each merge and each GGUF file.

    Args:
        adapters: nll/{model}_nf4.json: what was trained, and what the others are compared with.
        merges: quant/{model}-merge.json.
        files: nll/{model}_{fmt}.json of GGUF files.
        probe: the probe files of all of these.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    answers = read_answers(probe)
    paths = by_model_and_format([*adapters, *files], names)
    table = []
    for model, content in in_order(merges, names).items():
        forms = {"nf4": read_json(paths[model, "nf4"])} | {key: content[key] for key in LABELS if key in content}
        forms |= {fmt: read_json(path) for (owner, fmt), path in paths.items() if owner == model and fmt != "nf4"}
        tokens = [question["tokens"] for question in forms["nf4"]["questions"]]
        nats = {variant: [question["nats"] for question in form["questions"]] for variant, form in forms.items()}
        ratios = {variant: Ratio(values, tokens) for variant, values in nats.items()}
        rows = [
            {"model": model, "name": names[model], "variant": variant}
            | {"label": LABELS.get(variant) or f"GGUF {FORMATS[variant].label}", "tokens": sum(tokens)}
            | interval_columns("nll", bootstrap_ratio(*ratio, how))
            | compare_with_reference("difference", ratio, ratios["nf4"], how)
            | interval_columns("probe", accuracy([answers[f"{model}_{variant}"]], how))
            for variant, ratio in ratios.items()
        ]
        judge_likelihoods(rows, "difference", how.level)
        compare_probes(rows, [answers[f"{model}_{row['variant']}"] for row in rows], how)
        table += rows
    return pandas.DataFrame(table)
