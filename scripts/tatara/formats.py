"""The formats a model is answered with: the only table of them (DESIGN: f16 q8 q6 q5 q4 q3 nf4)."""

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
