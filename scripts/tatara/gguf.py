"""GGUF files by llama.cpp's own tools: conversion, importance matrix and quantization (paper eq. 8). Needs no torch in this process."""

import errno
import logging
import math
import subprocess
import sys
from pathlib import Path

from tatara import llama_home
from tatara.errors import InputError
from tatara.formats import FORMATS
from tatara.gguf_file import is_whole, share_in_other_types
from tatara.offload import ALL, gpu_layers
from tatara.trouble import full

logger = logging.getLogger("tatara")
CHUNK = 512  # tokens that llama-imatrix reads at once, its own default
CONVERTER = Path(__file__).with_name("converter.py")


class ConversionRefused(InputError):
    """llama.cpp's converter refuses a model; the message is its own last line."""


def _run(command: list, what: str, file: Path) -> None:
    """Run a command that writes a file, with its output in the log.

    Raises:
        ConversionRefused: it ended with an error of its own.
        OSError: the disk is full; the tools say so in many ways, and llama-imatrix ends as if all were well.
        MemoryError: the kernel killed it.
    """
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        logger.info("%s: %s", what, lines[-1])
    status = process.wait()
    if status == 0 and is_whole(file):
        return
    last = next((line for line in reversed(lines) if line.strip()), "no output")
    # The part that was written is still there, so a disk that ran full is still full.
    if full(file.parent) or any("No space left on device" in line for line in lines):
        raise OSError(errno.ENOSPC, f"{what} ended with status {status}: {last}", str(file))
    if status < 0:
        raise MemoryError(f"{what} was killed by signal {-status}, most likely by the kernel")
    if status == 0:
        raise RuntimeError(f"{what} wrote {file.name} and said that all is well, but the file is not whole: {last}")
    raise ConversionRefused(f"{what} ended with status {status}: {last}")


def convert(model: Path, output: Path, vocab_only: bool = False) -> None:
    """Convert a model folder to an F16 GGUF with the official converter; a killed conversion leaves no file at `output`.

    Raises:
        ConversionRefused: the converter does not take the model (such as a Unigram tokenizer without tokenizer.model).
    """
    partial = output.with_name(f"{output.name}.partial")
    extra = ["--vocab-only"] if vocab_only else []
    try:
        _run([sys.executable, CONVERTER, llama_home.source(), model, "--outtype", "f16", "--outfile", partial, *extra], "convert", partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def quantize(f16: Path, output: Path, fmt: str, threads: int, imatrix: Path | None = None) -> None:
    """Quantize an F16 GGUF to one of `formats.FORMATS` with llama-quantize.

    Args:
        fmt: short name such as `q4`.
        imatrix: importance matrix that weighs the rounding errors; without one all weights count alike. Q8_0 takes no notice of it.
    """
    partial = output.with_name(f"{output.name}.partial")
    weighed = ["--imatrix", imatrix] if imatrix else []
    try:
        _run([llama_home.tool("llama-quantize"), *weighed, f16, partial, FORMATS[fmt].label, threads], "quantize", partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    other = share_in_other_types(f16) if FORMATS[fmt].k_quant else 0
    if other:
        logger.warning(
            "%s: %.0f %% of its weights lie in rows that are no multiple of 256 long; llama.cpp stored them in other types than %s, of more bits",
            output.name, 100 * other, FORMATS[fmt].label,
        )  # fmt: skip


def importance_matrix(f16: Path, text: Path, output: Path, tokens: int, threads: int) -> None:
    """Measure with llama-imatrix how much each column of a weight matrix is used on a text (mean square of the activations).

    Args:
        text: conversations one after another, special tokens written out.
        tokens: how many tokens the text has; llama-imatrix wants two chunks at least.
    """
    chunk = min(CHUNK, 2 ** int(math.log2(tokens / 2)))
    layers = gpu_layers(f16, chunk)
    partial = output.with_name(f"{output.stem}.partial.gguf")  # the ending decides the file's format
    try:
        _run(
            [llama_home.tool("llama-imatrix"), "-m", f16, "-f", text, "-o", partial, "-c", chunk, "--parse-special", "--no-ppl", "-t", threads,
             "-ngl", "all" if layers == ALL else layers],
            "imatrix", partial,
        )  # fmt: skip
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
