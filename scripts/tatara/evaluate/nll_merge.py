"""What each way to merge does to the likelihood of the test set."""

from pathlib import Path

from tatara.evaluate import nll
from tatara.evaluate.nll_adapter import transformers_logits
from tatara.files.text import write_json
from tatara.models import loading
from tatara.models.chat_template import Conversation
from tatara.train.merge import merge_as_trained


def nll_merge(
    *,
    model: str,
    base: Path,
    adapter: Path,
    merged: Path,
    rows: list[dict],
    output: Path,
    conversation: Conversation,
    precision: str,
    threads: int,
    device: str = "auto",
) -> None:
    """Measure both merges by transformers and write results/quant/{model}-merge.json (docs/files.md).

    Args:
        precision: `train.base_precision`.
    """
    loading.prepare(0, threads)
    place = loading.device(device)
    tokenizer = loading.load_tokenizer(base)
    loaders = {
        "merged_16bit": lambda: loading.load_model(merged, place),
        "merged_dequantized": lambda: merge_as_trained(base, adapter, place, precision),
    }
    content = {"model": model}
    for name, load in loaders.items():
        loaded = load()
        questions = nll.score(tokenizer, rows, conversation, f"{model} {name}", transformers_logits(loaded))
        content[name] = nll.summary(name, model, questions)
        del loaded
    write_json(output, content)
