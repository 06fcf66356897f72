"""A base model taken from a folder of this disk. The folder stays its owner's: nothing is written into its files."""

from pathlib import Path

from tatara.job.errors import InputError
from tatara.models import model_files, tokenizer_files
from tatara.models.base_record import write_record


def take(source: Path, folder: Path, key: str) -> None:
    """Put a model's files into `folder`: its weights as hard links or copies, all else as copies.

    Args:
        key: the config key that names the source, for messages.

    Raises:
        InputError: the source holds no model.
    """
    if not (source / "config.json").is_file() or not list(source.glob("*.safetensors")):
        raise InputError(
            f"{source} holds no model: expected config.json, *.safetensors and a tokenizer (config key {key})"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in model_files.folder_files(source):
        model_files.place(path, folder / path.name)


def build(*, name: str, source: dict, place: Path, folder: Path, template: str | None = None) -> None:
    """Take a model folder and record it.

    Args:
        source: the `path` section of the model's source; place: where its folder lies.
        template: file of the chat template that takes the place of its own.
    """
    take(place, folder, f"models.{name}.source.path.file")
    tokenizer_files.settle(folder)
    tokenizer_files.set_template(folder, template)
    write_record(folder, name, "path", source)
