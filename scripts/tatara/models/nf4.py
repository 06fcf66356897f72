"""NF4 by bitsandbytes: four bits a weight, with scales that are quantized themselves (paper eq. 2, §5.1).

Importing bitsandbytes takes a quarter of a short job's start, so what does not need it does without.
"""

import functools

import torch
from transformers import BitsAndBytesConfig


@functools.cache
def load_bitsandbytes():
    """Import bitsandbytes; what it has for other devices than a GPU or a CPU stays uncompiled.

    It hands these fallbacks to torch.compile, and torch then imports its compiler, which nothing here uses. Where that
    call fails, bitsandbytes takes the plain functions.
    """
    compiler, torch.compile = torch.compile, None
    try:
        import bitsandbytes
    finally:
        torch.compile = compiler
    return bitsandbytes


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return how transformers shall quantize a base, computing in `dtype`."""
    load_bitsandbytes()
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def same_on_every_cpu(model):
    """Return an NF4 model that computes on a CPU with AVX512-BF16 as on any other.

    There bitsandbytes 0.50.2 lays the weights out anew at the first forward pass that is no training, and computes in
    bf16: a model that is trained afterwards gets other gradients, and what is measured depends on the processor.
    """
    for module in model.modules():
        if isinstance(module, load_bitsandbytes().nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return model


def dequantize(weight) -> torch.Tensor:
    """Return an NF4 weight as plain numbers (out, in)."""
    return load_bitsandbytes().functional.dequantize_4bit(weight.data, weight.quant_state)


def dequantized(model):
    """Return an NF4 model with plain matrices in main memory, each as its NF4 form gives it back."""
    for name, module in list(model.named_modules()):
        if isinstance(module, load_bitsandbytes().nn.Linear4bit):
            plain = torch.nn.Linear(module.in_features, module.out_features, module.bias is not None, device="meta")
            plain.weight = torch.nn.Parameter(dequantize(module.weight).cpu(), requires_grad=False)
            plain.bias = module.bias
            model.set_submodule(name, plain)
    del model.config.quantization_config, model.hf_quantizer
    model.is_loaded_in_4bit = model.is_quantized = False
    model.quantization_method = None
    return model.to("cpu")
