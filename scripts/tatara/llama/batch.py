"""Many prompts answered together by llama.cpp: one decode a step takes the next token of every answer that is still
open.

A GPU reads all weights for each decode and, for one answer, does little else; so a few prompts are read in one decode,
and every step of generation takes one for all answers.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import llama_cpp
import numpy

from tatara.job.errors import InputError

CELLS = 256  # llama.cpp rounds the context of a sequence up to a multiple of this
MOST = 256  # sequences that one context of llama.cpp can hold (LLAMA_MAX_SEQ)


@dataclass
class _Answer:
    """An open answer; its place in the list of open ones is its sequence in llama.cpp."""

    index: int
    position: int
    ids: list[int]


def cells(slots: int, longest: int) -> int:
    """Return the tokens that the caches of `slots` sequences of up to `longest` tokens hold together."""
    return slots * -(-longest // CELLS) * CELLS


class Sequences:
    """A context of its own beside a loaded model, with `slots` sequences of up to `longest` tokens.

    Args:
        shared: one cache for all sequences, in which a copy of a sequence costs nothing; else each has a cache of its
            own, over which alone its tokens attend, and a copy goes through every layer's.

    Raises:
        InputError: more sequences than llama.cpp takes, or no memory for them.
    """

    def __init__(self, model: llama_cpp.Llama, slots: int, longest: int, shared: bool = False):
        if slots > MOST:
            raise InputError(f"config key evaluate.batch_size is {slots}: llama.cpp takes {MOST} at most")
        self.vocabulary = model.n_vocab()
        self.chunk = model.n_batch
        # The settings of the context for one answer (kernels, threads, types of the cache) hold here as well.
        settings = llama_cpp.llama_context_params.from_buffer_copy(model.context_params)
        settings.n_ctx = cells(slots, longest)
        settings.n_batch = max(self.chunk, slots)
        settings.n_ubatch = max(settings.n_ubatch, slots)
        settings.n_seq_max = slots
        settings.kv_unified = shared
        self._context = llama_cpp.llama_init_from_model(model.model, settings)
        if not self._context:
            raise InputError(
                f"no memory for {slots} sequences of {longest} tokens at once (a cache of {settings.n_ctx} tokens): "
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

    def _logits(self, count: int) -> numpy.ndarray:
        """Return the logits (count, vocabulary) of the rows of the last decode that wanted some; the next overwrites
        them.
        """
        return numpy.ctypeslib.as_array(llama_cpp.llama_get_logits(self._context), (count, self.vocabulary))

    def _clear(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def _copy(self, source: int, target: int) -> None:
        """Let a sequence go on from what another one holds."""
        self._clear(target)
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def close(self) -> None:
        """Free the context and its threads."""
        self._pool.shutdown()
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)


class BatchContext(Sequences):
    """Room for `slots` answers of `limit` tokens to prompts of up to `longest` tokens.

    The most likely tokens are chosen on the host, by `threads` of the model: one argmax a sequence on the GPU
    (llama.cpp's samplers there) took longer than the copy of the logits (docs/inference.md).
    """

    def __init__(self, model: llama_cpp.Llama, slots: int, longest: int, limit: int):
        super().__init__(model, slots, longest + limit)
        self.limit = limit

    def _chosen(self, count: int) -> list[int]:
        """Return the most likely next token of each of the `count` rows of the last decode that wanted one."""
        return [int(token) for token in self._pool.map(numpy.argmax, self._logits(count))]

    def _groups(self, prompts: list[list[int]]) -> Iterator[list[int]]:
        """Yield which prompts are read in one decode: the longest first, since llama.cpp reads those of one decode in
        equal parts.
        """
        group, size = [], 0
        for index in sorted(range(len(prompts)), key=lambda index: -len(prompts[index])):
            if group and size + len(prompts[index]) > self.chunk:
                yield group
                group, size = [], 0
            group.append(index)
            size += len(prompts[index])
        yield group

    def _read(self, prompts: list[list[int]], sequence: int) -> list[int]:
        """Read prompts into the sequences from `sequence` on and return the first token of each answer; one prompt may
        take several decodes.
        """
        rows = []
        for number, prompt in enumerate(prompts, sequence):
            self._clear(number)
            rows += [(token, place, number, place == len(prompt) - 1) for place, token in enumerate(prompt)]
        for start in range(0, len(rows), self.chunk):
            self._decode(rows[start : start + self.chunk])
        return self._chosen(len(prompts))

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
                    self._copy(len(opened), place)
                opened[place] = last
            self._clear(len(opened))
        return opened

    def generate(self, prompts: list[list[int]], stops: list[int]) -> list[list[int]]:
        """Return the greedy continuation of each prompt, at most `limit` tokens, with the stop token where one came."""

        def done(answer: _Answer) -> bool:
            return answer.ids[-1] in stops or len(answer.ids) == self.limit

        answers = []
        for group in self._groups(prompts):
            tokens = self._read([prompts[index] for index in group], len(answers))
            answers += [
                _Answer(index, len(prompts[index]), [token]) for index, token in zip(group, tokens, strict=True)
            ]
        opened = self._close_gaps(list(answers), done)
        while opened:
            self._decode([(answer.ids[-1], answer.position, sequence, True) for sequence, answer in enumerate(opened)])
            for answer, token in zip(opened, self._chosen(len(opened)), strict=True):
                answer.ids.append(token)
                answer.position += 1
            opened = self._close_gaps(opened, done)
        return [answer.ids for answer in sorted(answers, key=lambda answer: answer.index)]


def generate_batch(
    model: llama_cpp.Llama, stops: list[int], limit: int, slots: int, longest: int
) -> Callable[[list[list[int]]], list[list[int]]]:
    """Return greedy generation of up to `slots` prompts at once through llama.cpp."""
    context = BatchContext(model, slots, longest, limit)
    return lambda prompts: context.generate(prompts, stops)
