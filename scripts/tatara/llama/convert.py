"""Conversion of a model folder to GGUF F16 by llama.cpp's own converter. Needs no torch in this process."""

import sys
from pathlib import Path

from tatara.job import llama_home
from tatara.job.whole_file import whole_file
from tatara.llama.tools import _run

CONVERTER = Path(__file__).with_name("converter.py")


def convert(model: Path, output: Path, vocab_only: bool = False) -> None:
    """Convert a model folder to an F16 GGUF with the official converter; a killed conversion leaves no file at
    `output`.

    Raises:
        ConversionRefused: the converter does not take the model (such as a Unigram tokenizer without tokenizer.model).
    """
    extra = ["--vocab-only"] if vocab_only else []
    with whole_file(output) as part:
        _run(
            [sys.executable, CONVERTER, llama_home.source(), model, "--outtype", "f16", "--outfile", part, *extra],
            "convert",
            part,
        )
