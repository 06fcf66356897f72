"""The tasks and groups of an export, as the harness reads them: YAML that names fields of rows and functions of
utils.py, and holds no text of a study (tools/export_eval.py).
"""

from collections.abc import Iterator

import tatara_path  # noqa: F401
import yaml
from tatara.data.probe import KINDS

PROBE, TEST, REFERENCE = "tatara_probe", "tatara_test", "tatara_reference"
TAUGHT = {True: "taught", False: "untaught"}
COMMON = "_probe_yaml"  # without the ending .yaml, or the harness would take it for a task
VERSION = 1.0  # of the tasks, which the harness prints beside their results
# Ends of turns that a model's generation settings may fail to name; no answer spells them.
ENDS_OF_TURN = ["<|eot_id|>", "<|im_end|>", "<end_of_turn>"]


class Function(str):
    """The name of a function of utils.py; in YAML `!function utils.NAME`."""


yaml.SafeDumper.add_representer(
    Function, lambda dumper, name: dumper.represent_scalar("!function", f"utils.{name}", style="")
)


def probe_tasks(items: list[dict], shared: dict) -> Iterator[tuple[str, dict]]:
    """Yield name and content of each file of the probe: one task for the taught and one for the untaught items of each
    kind, and groups of them.

    Args:
        shared: what every task says.
    """
    yield (
        COMMON,
        {
            "custom_dataset": Function("rows"),
            "output_type": "multiple_choice",
            **shared,
            "doc_to_choice": "options",
            "doc_to_target": "answer",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        },
    )
    present = {(item["kind"], item["taught"]) for item in items}
    tasks = [(kind, taught) for kind in KINDS for taught in TAUGHT if (kind, taught) in present]
    kinds = dict.fromkeys(kind for kind, _ in tasks)
    for kind, taught in tasks:
        name = f"{PROBE}_{kind}_{TAUGHT[taught]}"
        chosen = {"file": "probe.jsonl", "kind": kind, "taught": taught}
        yield f"{name}.yaml", {"include": COMMON, "task": name, "dataset_kwargs": chosen}
    groups = {PROBE: [f"{PROBE}_{kind}" for kind in kinds]}
    for kind in kinds:
        groups[f"{PROBE}_{kind}"] = [f"{PROBE}_{kind}_{TAUGHT[taught]}" for own, taught in tasks if own == kind]
    for taught, word in TAUGHT.items():
        if any(own == taught for _, own in tasks):
            groups[f"{PROBE}_{word}"] = [f"{PROBE}_{kind}_{word}" for kind, own in tasks if own == taught]
    mean = [{"metric": "acc", "aggregation": "mean", "weight_by_size": True}]
    for name, members in groups.items():
        content = {"group": name, "task": members, "aggregate_metric_list": mean, "metadata": {"version": VERSION}}
        yield f"{name}.yaml", content


def test_set_tasks(shared: dict, max_new_tokens: int, references: int) -> Iterator[tuple[str, dict]]:
    """Yield name and content of the test set's two files: answers, and the likelihood of the reference answers.

    Args:
        references: how many questions have a reference answer; without any there is only the first file.
    """
    common = {
        "custom_dataset": Function("rows"),
        **shared,
        "doc_to_target": "reference",
    }
    settings = {"until": ENDS_OF_TURN, "do_sample": False, "max_gen_toks": max_new_tokens}
    recall = {"metric": "fact_recall", "aggregation": Function("share"), "higher_is_better": True}
    yield (
        f"{TEST}.yaml",
        {
            "task": TEST,
            "output_type": "generate_until",
            **common,
            "dataset_kwargs": {"file": "test.jsonl"},
            "generation_kwargs": settings,
            "process_results": Function("fact_recall"),
            "metric_list": [recall],
        },
    )
    if not references:
        return
    measures = {"byte_perplexity": "weighted_perplexity", "bits_per_byte": "bits_per_byte"}
    yield (
        f"{REFERENCE}.yaml",
        {
            "task": REFERENCE,
            "output_type": "loglikelihood",
            **common,
            "dataset_kwargs": {"file": "test.jsonl", "answered": True},
            "process_results": Function("per_byte"),
            "metric_list": [
                {"metric": metric, "aggregation": aggregation, "higher_is_better": False}
                for metric, aggregation in measures.items()
            ],
        },
    )
