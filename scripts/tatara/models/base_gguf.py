"""A base model made of a GGUF file: dequantized, its tokenizer checked against the file's own."""

from pathlib import Path

from tatara.job.errors import InputError
from tatara.llama.tokenizer_metadata import keep_tokenizer
from tatara.models import gguf_source, tokenizer_files
from tatara.models.base_record import write_record


def build(*, name: str, source: dict, file: Path, texts: list[str], folder: Path, template: str | None = None) -> None:
    """Dequantize a GGUF file into a model folder and record it.

    Args:
        source: the `path` section of the model's source; file: where its file lies.
        template: file of the chat template that takes the place of its own.
        texts: text that the rebuilt tokenizer is compared on with the file's own ids.

    Raises:
        InputError: no such file, or a tokenizer that cannot be rebuilt.
    """
    if not file.is_file():
        raise InputError(f"config key models.{name}.source.path.file: there is no file {file}")
    folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer = gguf_source.load(file, texts)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    gguf_source.drop_quantization(folder / "config.json")
    tokenizer_files.set_template(folder, template)
    keep_tokenizer(file, folder, template)
    write_record(folder, name, "path", source)
