"""The formats that a model answers in, the only table of them, and what may stand behind one in a file name."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: the short name in file names, `{model}_{name}`.
        label: the name that readers know.
        gguf: True when llama.cpp runs it from a GGUF file; False for bitsandbytes NF4 through transformers.
        bits: bits a weight, nominal (K-quants mix types; the file size is the measured figure).
        untuned: True for the base model as it is before training, which no one lists in a configuration or ships.
    """

    name: str
    label: str
    gguf: bool
    bits: float
    untuned: bool = False

    @property
    def k_quant(self) -> bool:
        """Whether its weights are rounded in blocks of 256, which not every model's rows can be cut into."""
        return "_K" in self.label


BASE = "base"  # the untuned model
FORMATS = {
    entry.name: entry
    for entry in (
        # Without a GGUF file through transformers, as the adapter is.
        Format(BASE, "untuned", True, 16.0, untuned=True),
        Format("f16", "F16", True, 16.0),
        Format("q8", "Q8_0", True, 8.5),
        Format("q6", "Q6_K", True, 6.56),
        Format("q5", "Q5_K_M", True, 5.69),
        Format("q4", "Q4_K_M", True, 4.89),
        Format("q3", "Q3_K_M", True, 3.96),
        Format("nf4", "NF4", False, 4.13),
    )
}

# After a format's short name, in file names: quantized with an importance matrix; answered with the graph at hand.
WITH_MATRIX, WITH_GRAPH = "-imatrix", "_graph"


def most_bits(formats: Iterable[str]) -> str:
    """Return the format of the most bits of a tuned model: F16, or NF4 where there is no GGUF."""
    return max((fmt for fmt in formats if not FORMATS[fmt].untuned), key=lambda fmt: FORMATS[fmt].bits)


def variants(ladder: list[str], imatrix: bool) -> list[str]:
    """Return the variants of a ladder from the most bits to the fewest, with `imatrix` each also with a matrix."""
    ordered = sorted(ladder, key=lambda fmt: -FORMATS[fmt].bits)
    return [fmt + end for fmt in ordered for end in (["", WITH_MATRIX] if imatrix else [""])]


def format_of(variant: str) -> Format:
    """Return the format of a variant such as `q4`, `q4-imatrix` or `q4_graph`.

    Raises:
        KeyError: there is no such format.
    """
    return FORMATS[variant.removesuffix(WITH_MATRIX).removesuffix(WITH_GRAPH)]


def label_of(variant: str) -> str:
    """Return `Q4_K_M`, `Q4_K_M + imatrix` or `Q4_K_M, graph at hand` for a variant."""
    ends = {WITH_MATRIX: " + imatrix", WITH_GRAPH: ", graph at hand"}
    return format_of(variant).label + "".join(words for end, words in ends.items() if variant.endswith(end))
