"""The text part of a model that also sees or hears: what of its folder is text, and what is left out."""

import json
import math
import re
from collections import Counter
from pathlib import Path

from tatara.models.safetensors_head import read_head

# Names in the files of such models -> names in a text model; transformers writes the first form.
TEXT_NAMES = {r"^language_model\.model\.": "model.", r"^language_model\.": "", r"^model\.language_model\.": "model."}
_TEXT = re.compile("|".join([*TEXT_NAMES, r"^lm_head\.", r"^model\.(layers|embed_tokens|norm)\."]))
HEAD = "lm_head.weight"


def _weights(folder: Path) -> dict[str, int]:
    """Return how many numbers each tensor of a folder's safetensors files has, from the files' headers."""
    sizes = {}
    for file in sorted(folder.glob("*.safetensors")):
        shapes, _ = read_head(file)
        sizes |= {name: math.prod(shape) for name, shape in shapes.items()}
    return sizes


def has_head(folder: Path) -> bool:
    """Return whether the folder's files hold an output matrix of its own, which is not that of the embedding."""
    return any(name.endswith(HEAD) for name in _weights(folder))


def left_out(folder: Path) -> dict | None:
    """Return what of a model folder is no text; None for a model of text alone.

    Returns:
        `class` of the whole model, `weights` that are left out, in all and by `modules`.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if "text_config" not in config:
        return None
    modules = Counter()
    for name, size in _weights(folder).items():
        if not _TEXT.search(name):
            modules[name.removeprefix("model.").split(".")[0]] += size
    return {"class": config["architectures"][0], "weights": modules.total(), "modules": dict(modules)}
