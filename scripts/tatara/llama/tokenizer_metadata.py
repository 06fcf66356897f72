"""The tokenizer of a GGUF file, kept beside a model that was made of it: a file TOKENIZER without weights, which a
conversion carries over as it is, so that the new file gives the same ids by construction.
"""

from pathlib import Path

from tatara.job.whole_file import whole_file

TOKENIZER = "tokenizer.gguf"
PREFIX = "tokenizer."
TEMPLATE = "tokenizer.chat_template"


def copy_tokenizer(file: Path, writer, without: str = "") -> None:
    """Write every key of a file's tokenizer but `without`, in its own type, with a `gguf.GGUFWriter`."""
    import gguf

    from tatara.llama.reader import PlainReader

    for name, entry in PlainReader(file).fields.items():
        if name.startswith(PREFIX) and name != without:
            inner = entry.types[-1] if entry.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, entry.contents(), entry.types[0], sub_type=inner)


def keep_tokenizer(file: Path, folder: Path, template: str | None = None) -> None:
    """Write TOKENIZER into a model's folder.

    Args:
        template: file of the chat template that takes the place of the file's own.
    """
    import gguf

    with whole_file(folder / TOKENIZER) as part:
        writer = gguf.GGUFWriter(part, "llama")
        copy_tokenizer(file, writer, TEMPLATE if template else "")
        if template:
            writer.add_chat_template(Path(template).read_text(encoding="utf-8"))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
