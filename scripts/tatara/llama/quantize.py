"""Quantization of a GGUF file by llama-quantize (paper eq. 8)."""

import logging
from pathlib import Path

from tatara.files.formats import FORMATS
from tatara.job import llama_home
from tatara.job.whole_file import whole_file
from tatara.llama.reader import share_in_other_types
from tatara.llama.tools import run_tool

logger = logging.getLogger("tatara")


def quantize(f16: Path, output: Path, fmt: str, threads: int, imatrix: Path | None = None) -> None:
    """Quantize an F16 GGUF to one of `formats.FORMATS` with llama-quantize.

    Args:
        fmt: short name such as `q4`.
        imatrix: importance matrix that weighs the rounding errors; without one all weights count alike. Q8_0 takes no
            notice of it.
    """
    weighed = ["--imatrix", imatrix] if imatrix else []
    with whole_file(output) as part:
        run_tool(
            [llama_home.tool("llama-quantize"), *weighed, f16, part, FORMATS[fmt].label, threads], "quantize", part
        )
    other = share_in_other_types(f16) if FORMATS[fmt].k_quant else 0
    if other:
        logger.warning(
            "%s: %.0f %% of its weights lie in rows that are no multiple of 256 long; llama.cpp stored them in other "
            "types than %s, of more bits",
            output.name,
            100 * other,
            FORMATS[fmt].label,
        )
