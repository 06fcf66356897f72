"""GGUF models in process, through llama-cpp-python."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy

from tatara.job.errors import InputError
from tatara.job.gpu_layers import gpu_layers

logger = logging.getLogger("tatara")


def load(file: Path, context: int, threads: int, logits_all: bool = False, vocab_only: bool = False, more: int = 0):
    """Load a GGUF file in process; where llama.cpp was built for a GPU, with flash attention and as many layers there
    as fit.

    Args:
        more: tokens of a second context that shall find room beside this one (`llama_batch.cells`).
    """
    import llama_cpp

    layers = 0 if vocab_only else gpu_layers(file, context, more)
    model = llama_cpp.Llama(
        model_path=str(file),
        n_ctx=context,
        n_batch=512,
        n_threads=threads,
        n_threads_batch=threads,
        n_gpu_layers=layers,
        logits_all=logits_all,
        vocab_only=vocab_only,
        seed=0,
        verbose=False,
        flash_attn=llama_cpp.llama_supports_gpu_offload(),
    )
    if not vocab_only and model.n_ctx() < context:
        logger.warning("%s offers a context of %d, not %d", file, model.n_ctx(), context)
    return model


def logits_of(model) -> Callable[[list[int]], numpy.ndarray]:
    """Return a function from token ids to logits (tokens, vocabulary) of a model loaded with `logits_all`."""

    def logits(ids: list[int]) -> numpy.ndarray:
        if len(ids) > model.n_ctx():
            raise InputError(
                f"a text of {len(ids)} tokens does not fit config key evaluate.context, {model.n_ctx()}: raise it"
            )
        model.reset()
        model.eval(ids)
        return model.scores[: len(ids)]

    return logits


def piece_of(model) -> Callable[[int], bytes]:
    """Return a function from a token id to its bytes; llama-cpp-python's own `detokenize` loses tokens of more than 32
    bytes.
    """
    import ctypes

    import llama_cpp

    vocabulary = llama_cpp.llama_model_get_vocab(model.model)

    def piece(token: int) -> bytes:
        size = 32
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_token_to_piece(vocabulary, token, buffer, size, 0, True)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    return piece


def greedy_tokens(model, prompt: list[int], stops: list[int], limit: int) -> Iterator[int]:
    """Yield greedily generated ids, at most `limit`, a stop token included where one came.

    Each call begins afresh, so answers do not depend on their order.
    """
    model.reset()
    for count, token in enumerate(model.generate(prompt, top_k=1, temp=0.0, repeat_penalty=1.0, reset=True), 1):
        yield int(token)
        if token in stops or count == limit:
            break


def greedy_with_logits(model, prompt: list[int], stops: list[int], limit: int) -> tuple[list[int], numpy.ndarray]:
    """Return greedily generated ids, a stop token included where one came, and the logits (tokens, vocabulary) that
    each was taken from.
    """
    import llama_cpp

    ids, logits = [], []
    for token in greedy_tokens(model, prompt, stops, limit):
        ids.append(token)
        last = llama_cpp.llama_get_logits_ith(model.ctx, -1)
        logits.append(numpy.ctypeslib.as_array(last, shape=(model.n_vocab(),)).copy())
    return ids, numpy.stack(logits)
