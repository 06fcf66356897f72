"""GGUF models in process, through llama-cpp-python."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy

from tatara.errors import InputError

logger = logging.getLogger("tatara")


def load(file: Path, context: int, threads: int, logits_all: bool = False, vocab_only: bool = False):
    """Load a GGUF file in process; where llama.cpp was built for a GPU, with all layers and flash attention there, as is its own default."""
    import llama_cpp

    model = llama_cpp.Llama(
        model_path=str(file), n_ctx=context, n_batch=512, n_threads=threads, n_threads_batch=threads, n_gpu_layers=-1,
        logits_all=logits_all, vocab_only=vocab_only, seed=0, verbose=False,
        flash_attn=llama_cpp.llama_supports_gpu_offload(),
    )  # fmt: skip
    if not vocab_only and model.n_ctx() < context:
        logger.warning("%s offers a context of %d, not %d", file, model.n_ctx(), context)
    return model


def logits_of(model) -> Callable[[list[int]], numpy.ndarray]:
    """Return a function from token ids to logits (tokens, vocabulary) of a model loaded with `logits_all`."""

    def logits(ids: list[int]) -> numpy.ndarray:
        if len(ids) > model.n_ctx():
            raise InputError(f"a text of {len(ids)} tokens does not fit config key evaluate.context, {model.n_ctx()}: raise it")
        model.reset()
        model.eval(ids)
        return model.scores[: len(ids)]

    return logits
