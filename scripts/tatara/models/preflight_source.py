"""A folder with config and tokenizer for every kind of source, before there is a base model of it."""

import logging
from pathlib import Path

from transformers import AutoConfig, PreTrainedConfig

from tatara.job.errors import InputError
from tatara.job.fingerprint import file_digest
from tatara.llama import reader
from tatara.llama.tokenizer_metadata import keep_tokenizer
from tatara.models import model_files, preflight_files, preflight_model
from tatara.models.preflight_files import ModelFiles

logger = logging.getLogger("tatara")
# Enough text for a tokenizer of each family; what is asked of it does not depend on its pieces.
SAMPLE = [f"第{n}条 堤防の高さは、計画高水位に余裕高{n}.{n} mを加えた高さ以上とする。" for n in range(200)]
SAMPLE_VOCABULARY = 512


def _write_config(config: PreTrainedConfig, folder: Path) -> None:
    """Write config.json with the class of the model, as a saved model has it."""
    config.architectures = [type(preflight_model.build(config)).__name__]
    config.save_pretrained(folder)


def of_scratch(source: dict, folder: Path) -> ModelFiles:
    """Write config and tokenizer of a stand-in as it will be, its vocabulary at most as large as here."""
    from tatara.models import scratch
    from tatara.models.families import train_tokenizer

    tokenizer = train_tokenizer(SAMPLE, source["tokenizer"], SAMPLE_VOCABULARY, source["byte_fallback"])
    tokenizer.save_pretrained(folder)
    config = scratch.configuration(tokenizer, source)
    config.vocab_size = source["vocab_size"]
    _write_config(config, folder)
    names = [path.name for path in folder.iterdir()]
    return ModelFiles("the stand-in", names, folder, {})


def of_gguf(file: Path, folder: Path, sha256: str | None = None) -> ModelFiles:
    """Write config and tokenizer of a GGUF file; of its tensors the list is read alone.

    Args:
        sha256: the digest that the file should have; None where none is known.
    """
    found = ModelFiles(str(file), [file.name], folder, {}, problems=preflight_files.pointers(file.parent, [file.name]))
    if found.problems:
        return found
    if not reader.is_whole(file):
        found.problems.append(f"{file}: no GGUF file, or cut short: its head names more than there is; fetch it again")
        return found
    if sha256 and (digest := file_digest(file)) != sha256:
        found.problems.append(
            f"{file}: its SHA-256 is {digest}, and source.path.sha256 says {sha256}: fetch the file again, or correct "
            "the key"
        )
        return found
    from tatara.models import gguf_source

    try:
        gguf_source.read_tokenizer(file).save_pretrained(folder)
        keep_tokenizer(file, folder)
        _write_config(AutoConfig.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True), folder)
    except InputError as error:
        found.problems.append(str(error))
    except (ValueError, KeyError) as error:
        found.problems.append(
            f"{file}: transformers does not read this kind of GGUF file ({str(error).splitlines()[0]}): take the "
            "model's folder of safetensors"
        )
    return found


def of_model(source: dict, place: Path | None, folder: Path) -> ModelFiles:
    """Return the files of a model's source, config and tokenizer in a folder of their own or the user's.

    Args:
        source: the model's source in the configuration.
        place: a hub model's description, or the folder or file of a model on this disk; None for a stand-in.
        folder: gets what has to be written to be read.
    """
    kind = model_files.source_kind(source)
    if kind == "scratch":
        return of_scratch(source["scratch"], folder)
    if kind == "hub":
        return preflight_files.read_description(place, source["hub"]["repo"])
    if kind == "gguf":
        return of_gguf(place, folder, source["path"].get("sha256"))
    return preflight_files.read_folder(place)
