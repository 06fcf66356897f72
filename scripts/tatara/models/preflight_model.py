"""What a model's config shows: its class, its size, and the memory that it takes.

The model is built on torch's meta device, where a tensor has a shape and no numbers.
"""

import torch
from transformers import PreTrainedConfig

from tatara.files.formats import FORMATS
from tatara.models.lora_targets import Targets, decoder_blocks, skeleton

GIB = 2**30
# NF4 with double quantization: 4 bits a weight, 8 bits for each 64 of them, 32 bits for each 256 of those.
NF4_BYTES = 0.5 + (1 + 4 / 256) / 64
ADAPTER_BYTES = 16  # of a number of the adapter: itself, its gradient and Adam's two moments in float32
WORKING = 0.5  # GiB of a training step, measured (docs/gpu.md)
LLAMA_WORKING = 1.3  # GiB of CUDA and of llama.cpp's own computing (job/gpu_layers.py)


def build(config: PreTrainedConfig) -> torch.nn.Module:
    """Return the text model of a config without its weights.

    Raises:
        ValueError: transformers has no such class for language models.
    """
    return skeleton(config.get_text_config())


def sizes(model) -> dict[str, int]:
    """Return the numbers that memory follows from: parameters in all, those of linear layers in blocks, and the numbers
    kept for the backward pass for each token.
    """
    linear = kept = 0
    hidden = model.config.hidden_size
    for block in decoder_blocks(model)[1]:
        kept += hidden  # with the outputs of its layers below: both norms' inputs and attention's output too
        for module in block.modules():
            if isinstance(module, torch.nn.Linear):
                linear += module.weight.numel()
                kept += module.out_features
    return {"parameters": model.num_parameters(), "linear": linear, "kept": kept}


def _cache_bytes(config: PreTrainedConfig) -> int:
    """Return the bytes of keys and values of one token in F16, all layers alike."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * 2 * config.num_hidden_layers * heads * width


def memory(
    model,
    targets: Targets,
    *,
    precision: str,
    r: int,
    checkpointing: bool,
    context: int,
    batch_size: int,
    limit: float | None,
    weights: str = "lora",
) -> dict:
    """Return estimates of GPU memory in GiB.

    Args:
        targets: what gets an adapter; precision, weights: `train.base_precision` and `train.weights`.
        r: rank of the adapter; checkpointing: whether layers are computed again in training.
        context, batch_size: of answers.
        limit: what a job may take, None where nothing is set.

    Returns:
        `training`: what weights and adapter take, KiB of a token of a step, and the tokens that fit within the limit;
        `formats`: of each the weights and the cache of its answers, and whether both fit.
    """
    known, config = sizes(model), model.config
    linear_bytes = NF4_BYTES if precision == "nf4" else 2
    resting = (known["linear"] * linear_bytes + (known["parameters"] - known["linear"]) * 2) / GIB
    trained = targets.coverage["covered"] if weights == "all" else targets.width * r
    adapter = trained * ADAPTER_BYTES / GIB
    token = (config.num_hidden_layers * config.hidden_size if checkpointing else known["kept"]) * 2
    room = None if limit is None else limit - resting - adapter - WORKING
    formats = {}
    cache = _cache_bytes(config) * context * batch_size / GIB
    for name, fmt in FORMATS.items():
        if fmt.untuned:  # as large as F16
            continue
        weights = resting + adapter / 4 if not fmt.gguf else known["parameters"] * fmt.bits / 8 / GIB
        whole = weights + cache + LLAMA_WORKING
        formats[name] = {
            "weights_gib": round(weights, 3),
            "cache_gib": round(cache, 3),
            "fits": None if limit is None else whole <= limit,
        }
    return {
        "limit_gib": limit,
        "training": {
            "weights_gib": round(resting + adapter, 3),
            "kib_per_token": round(token / 1024, 1),
            "tokens_within_limit": None if room is None else max(0, int(room * GIB / token)),
        },
        "formats": formats,
    }
