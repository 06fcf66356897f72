"""Many prompts answered together by llama.cpp: one decode a step takes the next token of every answer that is still open.

A prompt is read by itself, as it is when it is asked alone, so that only the steps of generation are shared. A GPU reads the weights once a step,
whatever the number of answers; for the few answers that a step takes alone it does little else.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import llama_cpp
import numpy

from tatara.errors import InputError

CELLS = 256  # llama.cpp rounds the context of a sequence up to a multiple of this
MOST = 256  # sequences that one context of llama.cpp can hold (LLAMA_MAX_SEQ)


@dataclass
class _Answer:
    """An open answer; its place in the list of open ones is its sequence in llama.cpp."""

    index: int
    position: int
    ids: list[int] = field(default_factory=list)


class Together:
    """A context of its own beside a loaded model, with room for `slots` answers of `limit` tokens to prompts of up to `longest` tokens.

    Each sequence has a cache of its own, so that none attends to another. The most likely tokens are chosen on the host, by `threads` of the
    model: one argmax a sequence on the GPU (llama.cpp's samplers there) took longer than the copy of the logits (docs/inference.md).
    """

    def __init__(self, model: llama_cpp.Llama, slots: int, longest: int, limit: int):
        if slots > MOST:
            raise InputError(f"config key evaluate.batch_size is {slots}: llama.cpp takes {MOST} at most")
        self.limit = limit
        self.vocabulary = model.n_vocab()
        self.chunk = model.n_batch
        # The settings of the context for one answer (kernels, threads, types of the cache) hold here as well.
        settings = llama_cpp.llama_context_params.from_buffer_copy(model.context_params)
        settings.n_ctx = slots * -(-(longest + limit) // CELLS) * CELLS
        settings.n_batch = max(self.chunk, slots)
        settings.n_ubatch = max(settings.n_ubatch, slots)
        settings.n_seq_max = slots
        settings.kv_unified = False
        self._context = llama_cpp.llama_init_from_model(model.model, settings)
        if not self._context:
            raise InputError(
                f"no memory for {slots} answers of {limit} tokens at once (a cache of {settings.n_ctx} tokens): "
                "lower config key evaluate.batch_size or evaluate.max_new_tokens"
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(settings.n_batch, 0, 1)
        self._pool = ThreadPoolExecutor(model.n_threads)

    def _decode(self, rows: list[tuple[int, int, int, bool]]) -> None:
        """Decode rows of (token, position, sequence, whether the next token is wanted)."""
        batch = self._batch
        batch.n_tokens = len(rows)
        for row, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[row], batch.pos[row], batch.logits[row] = token, position, wanted
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, sequence
        status = llama_cpp.llama_decode(self._context, batch)
        if status:
            raise RuntimeError(f"llama_decode ended with status {status} on {len(rows)} tokens")

    def _chosen(self, count: int) -> list[int]:
        """Return the most likely next token of each of the `count` rows of the last decode that wanted one."""
        logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits(self._context), (count, self.vocabulary))
        return [int(token) for token in self._pool.map(numpy.argmax, logits)]

    def _clear(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def _read(self, prompt: list[int], sequence: int) -> int:
        """Read a prompt into an empty sequence and return the first token of its answer."""
        self._clear(sequence)
        for start in range(0, len(prompt), self.chunk):
            part = prompt[start : start + self.chunk]
            ends = start + len(part) == len(prompt)
            self._decode([(token, start + i, sequence, ends and i == len(part) - 1) for i, token in enumerate(part)])
        return self._chosen(1)[0]

    def _close_gaps(self, opened: list[_Answer], done) -> list[_Answer]:
        """Drop finished answers; open ones from the end of the list move into their places.

        llama.cpp splits a batch where its sequences are not numbered without a gap.
        """
        place = 0
        while place < len(opened):
            if not done(opened[place]):
                place += 1
                continue
            last = opened.pop()
            if place < len(opened):
                if not done(last):
                    self._clear(place)
                    llama_cpp.llama_memory_seq_cp(self._memory, len(opened), place, -1, -1)
                opened[place] = last
            self._clear(len(opened))
        return opened

    def generate(self, prompts: list[list[int]], stops: list[int]) -> list[list[int]]:
        """Return the greedy continuation of each prompt, at most `limit` tokens, a stop token included where one came."""

        def done(answer: _Answer) -> bool:
            return answer.ids[-1] in stops or len(answer.ids) == self.limit

        answers = [_Answer(index, len(prompt)) for index, prompt in enumerate(prompts)]
        for answer, prompt in zip(answers, prompts, strict=True):
            answer.ids.append(self._read(prompt, answer.index))
        opened = self._close_gaps(list(answers), done)
        while opened:
            self._decode([(answer.ids[-1], answer.position, sequence, True) for sequence, answer in enumerate(opened)])
            for answer, token in zip(opened, self._chosen(len(opened)), strict=True):
                answer.ids.append(token)
                answer.position += 1
            opened = self._close_gaps(opened, done)
        return [answer.ids for answer in answers]

    def close(self) -> None:
        """Free the context and its threads."""
        self._pool.shutdown()
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)


def generate_together(model: llama_cpp.Llama, stops: list[int], limit: int, slots: int, longest: int) -> Callable[[list[list[int]]], list[list[int]]]:
    """Return greedy generation of up to `slots` prompts at once through llama.cpp."""
    context = Together(model, slots, longest, limit)
    return lambda prompts: context.generate(prompts, stops)
