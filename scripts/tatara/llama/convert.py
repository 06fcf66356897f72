"""Conversion of a model folder to GGUF F16 by llama.cpp's own converter. Needs no torch in this process."""

import logging
import os
import sys
from pathlib import Path

from tatara.job import llama_home
from tatara.job.whole_file import whole_file
from tatara.llama import converter
from tatara.llama.tools import run_tool
from tatara.llama.unigram import BYTE_FALLBACK

SCRIPTS = Path(__file__).resolve().parents[2]


def convert(
    model: Path,
    output: Path,
    vocab_only: bool = False,
    byte_fallback: str = BYTE_FALLBACK[0],
    level: int = logging.INFO,
) -> None:
    """Convert a model folder to an F16 GGUF with the official converter; a killed conversion leaves no file at
    `output`.

    Args:
        byte_fallback: what is right in a Unigram vocabulary of characters without a token (`unigram.BYTE_FALLBACK`).
        level: of the log lines that the converter's output becomes.

    Raises:
        ConversionRefused: the converter does not take the model, or its tokenizer has no counterpart in llama.cpp.
    """
    extra = ["--vocab-only"] if vocab_only else []
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    with whole_file(output) as part:
        command = [sys.executable, "-m", converter.__name__, llama_home.source(), byte_fallback, model]
        run_tool([*command, "--outtype", "f16", "--outfile", part, *extra], "convert", part, environment, level)
