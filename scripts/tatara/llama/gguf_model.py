"""GGUF models in process, through llama-cpp-python."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy

from tatara.job.errors import InputError
from tatara.job.gpu_layers import gpu_layers
from tatara.llama.reader import read_head

logger = logging.getLogger("tatara")
LOGITS = 2**25  # most logits of one decode: 128 MiB in float32, whatever the vocabulary


def load(file: Path, context: int, threads: int, vocab_only: bool = False, more: int = 0):
    """Load a GGUF file in process; where llama.cpp was built for a GPU, with flash attention and as many layers there
    as fit.

    Args:
        more: tokens of a second context that shall find room beside this one (`llama_batch.cells`).
    """
    import llama_cpp

    from tatara.llama.messages import show_errors

    show_errors()
    layers = 0 if vocab_only else gpu_layers(file, read_head, context, more)
    model = llama_cpp.Llama(
        model_path=str(file),
        n_ctx=context,
        n_batch=512,
        n_threads=threads,
        n_threads_batch=threads,
        n_gpu_layers=layers,
        vocab_only=vocab_only,
        seed=0,
        verbose=False,
        flash_attn=llama_cpp.llama_supports_gpu_offload(),
    )
    if not vocab_only and model.n_ctx() < context:
        logger.warning("%s offers a context of %d, not %d", file, model.n_ctx(), context)
    return model


def _decode(model, batch, tokens: list[int], place: int, wanted: bool) -> None:
    """Decode tokens that stand from `place` on; with their logits, where they are wanted."""
    import llama_cpp

    batch.n_tokens = len(tokens)
    for row, token in enumerate(tokens):
        batch.token[row], batch.pos[row], batch.logits[row] = token, place + row, wanted
        batch.n_seq_id[row], batch.seq_id[row][0] = 1, 0
    if status := llama_cpp.llama_decode(model.ctx, batch):
        raise RuntimeError(f"llama_decode ended with status {status} on {len(tokens)} tokens")


def pieces_of(model) -> Callable[[list[int], int], Iterator[numpy.ndarray]]:
    """Return a function from token ids and a place, at least 1, to logits (tokens, vocabulary) in pieces, of which row
    after row predicts the token at this place and those that follow; the next piece overwrites the last.

    Of tokens before it none are computed, and of a large vocabulary a few tokens at a time.
    """
    import llama_cpp

    rows = max(1, min(model.n_batch, LOGITS // model.n_vocab()))

    def pieces(ids: list[int], start: int) -> Iterator[numpy.ndarray]:
        if len(ids) > model.n_ctx():
            raise InputError(
                f"a text of {len(ids)} tokens does not fit config key evaluate.context, {model.n_ctx()}: raise it"
            )
        model.reset()
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(model.ctx), True)
        batch = llama_cpp.llama_batch_init(model.n_batch, 0, 1)
        try:
            for first in range(0, start - 1, model.n_batch):
                _decode(model, batch, ids[first : min(first + model.n_batch, start - 1)], first, False)
            for first in range(start - 1, len(ids) - 1, rows):
                tokens = ids[first : min(first + rows, len(ids) - 1)]
                _decode(model, batch, tokens, first, True)
                logits = llama_cpp.llama_get_logits(model.ctx)
                yield numpy.ctypeslib.as_array(logits, (len(tokens), model.n_vocab()))
        finally:
            llama_cpp.llama_batch_free(batch)

    return pieces


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
