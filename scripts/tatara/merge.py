"""Merging an adapter into a base (paper eq. 7), and what each way to merge does to the likelihood of the test set."""

import json
import shutil
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tatara import models, nll

# What belongs to a tokenizer; copied as it is, so that its ids cannot change on the way.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "chat_template.jinja",
                   "added_tokens.json", "vocab.json", "merges.txt", "generation_config.json")  # fmt: skip


def merge(base: Path, adapter: Path, output: Path, threads: int) -> None:
    """Add the adapter's product B·A·α/r to the base's 16-bit weights and save them with the base's tokenizer.

    Works on the CPU in the base's own precision. The base that was trained on was NF4, so the merged model is not quite the
    trained one.
    """
    models.prepare(0, threads)
    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto", local_files_only=True)
    if model.dtype == torch.float32:
        model = model.to(torch.bfloat16)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    output.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(output)
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, output / name)
    # The base's id is a path of this machine; the file must not name it.
    config = json.loads((output / "config.json").read_text())
    config.pop("_name_or_path", None)
    (output / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def merge_dequantized(base: Path, adapter: Path, place: torch.device):
    """Return the adapter merged into the base as NF4 gives it back, rounded to bf16 as a saved model would be: the weights that were trained on."""
    model = models.dequantized(models.load_nf4(base, place))
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    return models.spread(merged.to(torch.bfloat16).to(models.compute_dtype(place)), place).eval()


def nll_merge(
    *, model: str, base: Path, adapter: Path, merged: Path, rows: list[dict], output: Path, system: str, threads: int, device: str
) -> None:  # fmt: skip
    """Measure both merges by transformers and write results/quant/{model}-merge.json (docs/files.md)."""
    models.prepare(0, threads)
    place = models.device(device)
    tokenizer = models.load_tokenizer(base)
    loaders = {"merged_16bit": lambda: models.load_model(merged, place), "merged_dequantized": lambda: merge_dequantized(base, adapter, place)}
    content = {"model": model}
    for name, load in loaders.items():
        loaded = load()
        questions = nll.score(tokenizer, rows, system, f"{model} {name}", nll.transformers_logits(loaded))
        content[name] = nll.summary(name, model, questions)
        del loaded
    output.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
