"""What each way to merge does to the likelihood of the test set and to the probe."""

from pathlib import Path

from tatara.evaluate import nll
from tatara.evaluate.nll_adapter import transformers_pieces
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_transformers import transformers_score
from tatara.files.probe_file import write_probe
from tatara.files.text import write_json
from tatara.models import loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer
from tatara.train.merge import merge_as_trained


def nll_merge(
    *,
    model: str,
    base: Path,
    adapter: Path,
    merged: Path,
    rows: list[dict],
    items: list[dict],
    output: Path,
    probe: Path,
    conversation: Conversation,
    precision: str,
    threads: int,
    device: str = "auto",
) -> None:
    """Measure both merges by transformers and write results/quant/{model}-merge.json and their probe (docs/files.md).

    Args:
        rows: questions of the test set; items: of the probe.
        precision: `train.base_precision`.
    """
    loading.prepare(0, threads)
    place = loading.device(device)
    tokenizer = load_tokenizer(base)
    loaders = {
        "merged_16bit": lambda: loading.load_model(merged, place),
        "merged_dequantized": lambda: merge_as_trained(base, adapter, place, precision),
    }
    content, encoded, probed = {"model": model}, Probe(tokenizer, items, conversation), []
    for name, load in loaders.items():
        loaded = load()
        questions = nll.score(tokenizer, rows, conversation, f"{model} {name}", transformers_pieces(loaded))
        content[name] = nll.summary(name, model, questions)
        probed += encoded.rows(f"{model}_{name}", transformers_score(loaded))
        del loaded
    write_probe(probe, probed)
    write_json(output, content)
