"""Which files are a model: told by their names alone, so that a folder, a hub repository and a rule's inputs agree."""

import json
import os
import shutil
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from tatara.llama.tokenizer_metadata import TOKENIZER

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
HUB_RECORD = "hub.json"  # lies in the description of a hub model
# What stands beside the weights; no pickles, no code (trust_remote_code is never on).
BESIDE = ("*.json", "*.jinja", "*.txt", "tokenizer.model", TOKENIZER)
# Not the model: an adapter, what a trainer left, other makers' copies of the weights' list.
NOT_BESIDE = ("adapter_config.json", "trainer_state.json", "training_args*", "optimizer*", "base.json", HUB_RECORD)


def source_kind(source: dict) -> str:
    """Return `hub`, `scratch`, `gguf` (a file, in a package or not) or `folder` for the source of a configuration."""
    if "path" not in source:
        return next(iter(source))
    return "gguf" if source["path"]["file"].endswith(".gguf") else "folder"


def beside(names: Iterable[str]) -> list[str]:
    """Return the names of what belongs to a model beside its weights: config, tokenizer, chat template."""
    return sorted(
        name
        for name in names
        if any(fnmatch(name, pattern) for pattern in BESIDE)
        and not any(fnmatch(name, pattern) for pattern in NOT_BESIDE)
        and "/" not in name
    )


def weights(names: Iterable[str], index: dict | None) -> list[str]:
    """Return the names of the safetensors files that transformers loads, without other copies of the same weights.

    Args:
        index: the content of model.safetensors.index.json, None where there is none. The shards that it names are
            returned whether or not they are there.
    """
    if SINGLE in names:
        return [SINGLE]
    return sorted(set(index["weight_map"].values())) if index else []


def read_index(folder: Path) -> dict | None:
    """Return the content of a folder's model.safetensors.index.json, None where there is none."""
    file = folder / INDEX
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def folder_files(folder: Path) -> list[Path]:
    """Return the files of a model folder that make the model, the missing ones of the weights' index left out."""
    names = [path.name for path in folder.iterdir() if path.is_file()]
    try:
        listed = weights(names, read_index(folder))
    except (ValueError, KeyError, TypeError):  # a damaged index is for the preflight to name
        listed = [name for name in names if name.endswith(".safetensors")]
    return sorted({folder / name for name in [*listed, *beside(names)] if name in names})


def place(source: Path, target: Path) -> None:
    """Put a file at another place: weights as a hard link where the file system allows it, all else as a copy.

    Weights are only ever replaced and never written in place, so the file of a user stays as it is.
    """
    if source.suffix == ".safetensors":
        try:
            os.link(source.resolve(), target)
            return
        except OSError:
            pass  # another disk, or a file that this user may not link
    shutil.copyfile(source, target)
