"""Preflight: what can be known of a model before it is fetched, trained or converted, and what will be refused."""

import json
import logging
import shutil
import tempfile
from pathlib import Path

from transformers import AutoConfig

from tatara.files.formats import FORMATS
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llama import convert, tools
from tatara.models import (
    model_files,
    preflight_files,
    preflight_model,
    preflight_source,
    preflight_tokens,
    tokenizer_files,
)
from tatara.models.chat_template import Conversation
from tatara.models.lora_targets import choose_targets
from tatara.models.preflight_files import ModelFiles
from tatara.models.tokenizer import load_tokenizer

logger = logging.getLogger("tatara")


def converter_refusal(folder: Path, byte_fallback: str) -> str | None:
    """Return why llama.cpp's converter does not take a class or its tokenizer, None where it takes both.

    The converter itself is asked, for the vocabulary alone.

    Args:
        folder: config and settled tokenizer (`tokenizer_files.settle`), no weights.
        byte_fallback: `parity.byte_fallback`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            file = Path(scratch, "vocabulary.gguf")
            convert.convert(folder, file, vocab_only=True, byte_fallback=byte_fallback, level=logging.DEBUG)
        except tools.ConversionRefused as error:
            return str(error)
    return None


def _load(files: ModelFiles, copy: Path, template: str | None) -> tuple:
    """Return config, tokenizer and model without weights.

    Args:
        copy: where config and tokenizer are put, the latter as the base's folder will have it.
        template: file of the chat template that takes the place of the model's own.

    Raises:
        InputError: transformers knows no such class, or cannot read the tokenizer.
    """
    for name in model_files.beside(path.name for path in files.folder.iterdir()):
        if name != model_files.INDEX:
            shutil.copyfile(files.folder / name, copy / name)
    try:
        config = AutoConfig.from_pretrained(copy, local_files_only=True)
        model = preflight_model.build(config)
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{files.place}: transformers has no class of its own for this model, and code that comes with a model is "
            f"not run ({str(error).splitlines()[0]}): take a model of a class that transformers knows"
        ) from error
    try:
        tokenizer_files.settle(copy)
    except Exception as error:  # each tokenizer's code has its own kinds of errors
        reason = str(error).splitlines()[0].replace(str(copy), files.place)
        raise InputError(
            f"{files.place}: its tokenizer cannot be read ({reason}): expected tokenizer.json, or "
            "tokenizer.model, with tokenizer_config.json"
        ) from error
    tokenizer_files.set_template(copy, template)
    tokenizer = load_tokenizer(copy)
    tokenizer.name_or_path = files.place  # what messages call it
    return config, tokenizer, model


def _embedding_rows(files: ModelFiles, config) -> int:
    """Return the rows of the embedding, by the weights' head where it could be read."""
    rows = [shape[0] for name, shape in files.shapes.items() if name.endswith("embed_tokens.weight")]
    return rows[0] if rows else config.get_text_config().vocab_size


def inspect(
    *,
    files: ModelFiles,
    entry: dict,
    conversation: Conversation,
    train: dict,
    r: int,
    context: int,
    batch_size: int,
    byte_fallback: str,
    limit: float | None,
    scratch: Path,
    template: str | None = None,
) -> tuple[dict, list[str]]:
    """Return what the preflight file says of a model, and what is refused, each with its remedy.

    Args:
        files: of the source; entry: the model's section of the configuration; train: the section `train`.
        r: the larger rank of the two stages; context, batch_size: of answers; byte_fallback: `parity.byte_fallback`.
        limit: GiB of GPU memory of a job.
        template: file of the chat template that takes the place of the model's own.
        scratch: an empty folder, for a copy of config and tokenizer.
    """
    safetensors = model_files.source_kind(entry["source"]) in ("hub", "folder")
    wrong = preflight_files.problems(files) if safetensors else list(files.problems)
    config_file = files.folder / "config.json"
    if config_file.is_file() and not files.problems:
        content = json.loads(config_file.read_text(encoding="utf-8"))
        wrong += preflight_files.quantization_problem(content, files.place)
    if wrong:
        return {}, wrong
    try:
        config, tokenizer, model = _load(files, scratch, template)
    except InputError as error:
        return {}, [str(error)]
    rows = _embedding_rows(files, config)
    wrong = preflight_tokens.problems(tokenizer, rows, conversation, files.place)
    if wrong:
        return {}, wrong
    try:
        targets = choose_targets(model, train["target_modules"])
    except InputError as error:  # a pattern that matches nothing, a class without blocks
        return {}, [f"{files.place}: {error}"]
    needed = preflight_model.memory(
        model,
        targets,
        precision=train["base_precision"],
        weights=train["weights"],
        r=r,
        checkpointing=train["gradient_checkpointing"],
        context=context,
        batch_size=batch_size,
        limit=limit,
    )
    if needed["training"]["tokens_within_limit"] == 0:
        wrong.append(
            f"{files.place}: weights and adapter take {needed['training']['weights_gib']:.1f} GiB in training, the "
            f"resource gpu_memory_gib allows {limit:g}: raise it, or take a smaller model"
        )
    refusal = converter_refusal(scratch, byte_fallback)
    asked = [fmt for fmt in entry["formats"] if FORMATS[fmt].gguf]
    if refusal and asked:
        wrong.append(
            f"{files.place}: {', '.join(asked)} cannot be made, since llama.cpp's converter refuses the model "
            f"({refusal}): leave nf4 alone in the model's formats"
        )
    report = {
        "class": type(model).__name__,
        "source_class": (config.architectures or [None])[0],
        "parameters": model.num_parameters(),
        **preflight_tokens.facts(tokenizer, rows, conversation),
        "adapter": targets.coverage,
        "gguf": {"possible": refusal is None, "refusal": refusal},
        "memory": needed,
        "license": {"config": entry["license"], "source": files.license},
    }
    return report, wrong


def _log(model: str, report: dict) -> None:
    """Say the most important of a report in a few lines."""
    memory, adapter = report["memory"], report["adapter"]
    logger.info("%s: %s, %.2f M parameters", model, report["class"], report["parameters"] / 1e6)
    bare = [name for name, entry in adapter["modules"].items() if not entry["covered"]]
    message = "%s: the adapter covers %.1f %% of the decoder's weights%s"
    logger.info(message, model, 100 * adapter["share"], f", none of {', '.join(bare)}" if bare else "")
    if not report["template"]["equal"]:
        logger.info("%s: the chat template's own rendering of an answer is not what is trained", model)
    if report["gguf"]["refusal"]:
        logger.info("%s: no GGUF: %s", model, report["gguf"]["refusal"])
    logger.info("%s: %.2f GiB in training before the first token", model, memory["training"]["weights_gib"])


def preflight(*, name: str, entry: dict, place: Path | None, output: Path, **settings) -> None:
    """Write the preflight file of a model.

    Args:
        entry: the model's section of the configuration.
        place: where its source lies (`preflight_source.of_model`).
        settings: as `inspect` takes them.

    Raises:
        InputError: the model will be refused; each reason with its remedy, and the config key.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source, copy = Path(scratch, "source"), Path(scratch, "copy")
        source.mkdir()
        copy.mkdir()
        files = preflight_source.of_model(entry["source"], place, source)
        report, wrong = inspect(files=files, entry=entry, scratch=copy, **settings)
    if wrong:
        raise InputError(f"the model {name} (config key models.{name}) is refused:\n  " + "\n  ".join(wrong))
    _log(name, report)
    write_json(output, {"model": name, "source": next(iter(entry["source"])), **report})
