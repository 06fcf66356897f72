"""The formats that a model answers in, the only table of them, and the variants of the quantization ladder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: the short name in file names, `{model}_{name}`.
        label: the name that readers know.
        gguf: True when llama.cpp runs it from a GGUF file; False for bitsandbytes NF4 through transformers.
        bits: bits a weight, nominal (K-quants mix types; the file size is the measured figure).
    """

    name: str
    label: str
    gguf: bool
    bits: float

    @property
    def k_quant(self) -> bool:
        """Whether its weights are rounded in blocks of 256, which not every model's rows can be cut into."""
        return "_K" in self.label


FORMATS = {
    entry.name: entry
    for entry in (
        Format("f16", "F16", True, 16.0),
        Format("q8", "Q8_0", True, 8.5),
        Format("q6", "Q6_K", True, 6.56),
        Format("q5", "Q5_K_M", True, 5.69),
        Format("q4", "Q4_K_M", True, 4.89),
        Format("q3", "Q3_K_M", True, 3.96),
        Format("nf4", "NF4", False, 4.13),
    )
}

WITH_MATRIX = "-imatrix"  # after a format's short name, in file names: quantized with an importance matrix


def variants(ladder: list[str], imatrix: bool) -> list[str]:
    """Return the variants of a ladder from the most bits to the fewest, with `imatrix` each also with a matrix."""
    ordered = sorted(ladder, key=lambda fmt: -FORMATS[fmt].bits)
    return [fmt + end for fmt in ordered for end in (["", WITH_MATRIX] if imatrix else [""])]


def format_of(variant: str) -> Format:
    """Return the format of a variant such as `q4` or `q4-imatrix`."""
    return FORMATS[variant.removesuffix(WITH_MATRIX)]


def label_of(variant: str) -> str:
    """Return `Q4_K_M` or `Q4_K_M + imatrix` for a variant."""
    return format_of(variant).label + (" + imatrix" if variant.endswith(WITH_MATRIX) else "")
