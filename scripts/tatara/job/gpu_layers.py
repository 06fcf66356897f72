"""How many layers of a GGUF file fit on the GPU; the first ones then stay in main memory, where the processor computes
them.
"""

import ctypes
import itertools
import logging
import os
from collections.abc import Callable
from pathlib import Path

from tatara.job.gpus import MEMORY_LIMIT

logger = logging.getLogger("tatara")
GIB = 2**30
# CUDA's own memory and what llama.cpp computes in, above all the logits of 512 tokens (262 MB for a vocabulary of
# 128,256); each further context of a model computes in memory of its own.
WORKING, WORKING_MORE = (
    int(1.3 * GIB),
    int(0.5 * GIB),
)  # at most 1.25 GiB was measured, by llama-imatrix with 8 B parameters
ALL = -1  # llama.cpp's own word for every layer
_GPU = 1  # GGML_BACKEND_DEVICE_TYPE_GPU
CACHE_BYTES = 2  # a number of the cache is in F16


def room() -> int | None:
    """Return the bytes of GPU memory that llama.cpp may take here: what is free, within Snakemake's resource
    `gpu_memory_gib`; None without a GPU.
    """
    import llama_cpp

    if not llama_cpp.llama_supports_gpu_offload():
        return None
    from llama_cpp._ggml import libggml

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_memory.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_size_t),
        ctypes.POINTER(ctypes.c_size_t),
    ]
    total = None
    for index in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(index)
        if libggml.ggml_backend_dev_type(device) == _GPU:
            free, whole = ctypes.c_size_t(), ctypes.c_size_t()
            libggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(whole))
            total = (total or 0) + free.value
    limit = os.environ.get(MEMORY_LIMIT)
    return total if total is None or not limit else min(total, int(float(limit) * GIB))


def layer_sizes(numbers: dict, tensors: list) -> tuple[list[int], int, int]:
    """Return bytes of each layer's weights, bytes of the output's, and bytes of cache for one token in one layer, of a
    GGUF file.

    Args:
        numbers, tensors: what `llama.reader.read_head` returns.
    """
    architecture = next(key for key in numbers if key.endswith(".block_count")).removesuffix(".block_count")

    def head(key: str, default: int = 0) -> int:
        return numbers.get(f"{architecture}.{key}", default)

    layers = [0] * head("block_count")
    output = embedding = 0
    for tensor in tensors:
        if tensor.name.startswith("blk."):
            layers[int(tensor.name.split(".")[1])] += tensor.size
        elif tensor.name.startswith("output"):
            output += tensor.size
        elif tensor.name == "token_embd.weight":
            embedding = tensor.size
    if not any(tensor.name == "output.weight" for tensor in tensors):
        output += embedding  # the embedding serves as the output's matrix too
    heads = head("attention.head_count")
    kv_heads = head("attention.head_count_kv", heads)
    channels = head("embedding_length") // heads
    wide = sum(head(f"attention.{part}_length", channels) for part in ("key", "value"))
    return layers, output, wide * kv_heads * CACHE_BYTES


def fitting(layers: list[int], output: int, cell: int, cells: int, free: int) -> int:
    """Return how many parts fit into `free` bytes, the output counted as the last one, as llama.cpp counts; ALL when
    every one does.

    Args:
        layers: bytes of each layer's weights.
        output: bytes of the output's weights.
        cell: bytes of cache for one token in one layer.
        cells: tokens that the caches hold together.
    """
    sizes = [output, *(layer + cell * cells for layer in reversed(layers))]
    parts = sum(taken <= free for taken in itertools.accumulate(sizes))
    return ALL if parts == len(sizes) else parts


def gpu_layers(file: Path, read_head: Callable[[Path], tuple[dict, list]], context: int, more: int = 0) -> int:
    """Return what llama.cpp is told to put on the GPU: ALL, or the number of a file's last layers that fit.

    Args:
        read_head: `llama.reader.read_head`, which lies above this package.
        context: tokens of the model's context.
        more: tokens of a second context beside it, 0 for none.
    """
    free = room()
    if free is None:
        return ALL  # nothing is moved where there is no GPU
    layers, output, cell = layer_sizes(*read_head(file))
    parts = fitting(layers, output, cell, context + more, free - WORKING - (WORKING_MORE if more else 0))
    if parts != ALL:
        logger.warning(
            "%s: %d of its %d layers fit into %.1f GiB of GPU memory; the others stay in main memory, where the "
            "processor computes them",
            file,
            max(0, parts - 1),
            len(layers),
            free / GIB,
        )
    return parts
