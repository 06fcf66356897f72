"""Merging an adapter into a base (paper eq. 7)."""

import json
import shutil
from pathlib import Path

import torch
from peft import PeftModel

from tatara.files.text import write_json
from tatara.llama.tokenizer_metadata import TOKENIZER
from tatara.models import loading, nf4

# What belongs to a tokenizer; copied as it is, so that its ids cannot change on the way.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    TOKENIZER,  # of the GGUF file that the base came from
    "special_tokens_map.json",
    "chat_template.jinja",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "generation_config.json",
)


def merge(base: Path, adapter: Path, output: Path, threads: int) -> None:
    """Add the adapter's product B·A·α/r to the base's 16-bit weights and save them with the base's tokenizer.

    Works on the CPU in the base's own precision. A base that was trained on as NF4 is another one, so the merged model
    is not quite the trained one. Of a model that also sees or hears the text part is saved, as a text model.
    """
    loading.prepare(0, threads)
    model = loading.load_causal(base, dtype="auto")
    if model.dtype == torch.float32:
        model = model.to(torch.bfloat16)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True).to(model.dtype)
    output.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(output)
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, output / name)
    # The base's id is a path of this machine; the file must not name it.
    config = json.loads((output / "config.json").read_text())
    config.pop("_name_or_path", None)
    write_json(output / "config.json", config)


def merge_as_trained(base: Path, adapter: Path, place: torch.device, precision: str):
    """Return the adapter merged into the weights that it was trained on, rounded to bf16 as a saved model would be.

    Args:
        precision: `train.base_precision`; for `nf4` the base as NF4 gives it back.
    """
    model = loading.load_base(base, place, precision)
    model = nf4.dequantized(model) if precision == "nf4" else model.to("cpu")
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    return loading.distribute(merged.to(torch.bfloat16).to(loading.compute_dtype(place)), place).eval()
