"""Importance matrices by llama-imatrix."""

import math
from pathlib import Path

from tatara.job import llama_home
from tatara.job.gpu_layers import ALL, gpu_layers
from tatara.job.whole_file import whole_file
from tatara.llama.reader import read_head
from tatara.llama.tools import run_tool

CHUNK = 512  # tokens that llama-imatrix reads at once, its own default


def importance_matrix(f16: Path, text: Path, output: Path, tokens: int, threads: int) -> None:
    """Measure with llama-imatrix how much each column of a weight matrix is used on a text (mean square of the
    activations).

    Args:
        text: conversations one after another, special tokens written out.
        tokens: how many tokens the text has; llama-imatrix wants two chunks at least.
    """
    chunk = min(CHUNK, 2 ** int(math.log2(tokens / 2)))
    layers = gpu_layers(f16, read_head, chunk)
    with whole_file(output) as part:
        run_tool(
            [
                llama_home.tool("llama-imatrix"),
                "-m",
                f16,
                "-f",
                text,
                "-o",
                part,
                "-c",
                chunk,
                "--parse-special",
                "--no-ppl",
                "-t",
                threads,
                "-ngl",
                "all" if layers == ALL else layers,
            ],
            "imatrix",
            part,
        )
