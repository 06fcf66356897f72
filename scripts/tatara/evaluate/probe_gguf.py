"""The probe through llama.cpp: each prompt is read once, and its options go on from there, many in one decode."""

from collections.abc import Iterator
from functools import cache

import llama_cpp

from tatara.evaluate.nats import nats_of_row
from tatara.evaluate.probe import Probe, Request, Score
from tatara.llama.batch import Sequences, cells

SEQUENCES = 32  # of one context: eight prompts with four options each


class OptionContext(Sequences):
    """Sequences of up to `longest` tokens in which options are scored.

    They share a cache: a prompt is copied for each of its options, and a copy of a cache of its own is two transfers a
    layer, each of which waits for the GPU.
    """

    def __init__(self, model: llama_cpp.Llama, longest: int):
        super().__init__(model, SEQUENCES, longest, shared=True)

    def _nats(self, targets: list[list[int]]) -> list[list[float]]:
        """Return, for each row of the last decode that wanted logits, the nats of each of these tokens as the next."""
        return list(self._pool.map(nats_of_row, self._logits(len(targets)), targets))

    def _read(self, rows: list[tuple[int, int, int, list[int]]]) -> list[list[float]]:
        """Decode rows of (token, position, sequence, targets); return the nats of the targets of each row with some."""
        found = []
        for start in range(0, len(rows), self.chunk):
            part = rows[start : start + self.chunk]
            self._decode([(token, position, sequence, bool(targets)) for token, position, sequence, targets in part])
            if targets := [row[3] for row in part if row[3]]:
                found += self._nats(targets)
        return found

    def _group(self, requests: list[Request]) -> list[list[float]]:
        """Score requests whose options fit the sequences."""
        rows = []
        for sequence in range(SEQUENCES):
            self._clear(sequence)
        for sequence, request in enumerate(requests):
            last = len(request.prompt) - 1
            first = [ids[0] for ids in request.options]
            rows += [(token, at, sequence, first if at == last else []) for at, token in enumerate(request.prompt)]
        nats = self._read(rows)
        rows, owners, free = [], [], len(requests)
        for place, request in enumerate(requests):
            # The first option that goes on takes the prompt's own sequence, once the others have their copies.
            longer = [index for index, ids in enumerate(request.options) if len(ids) > 1]
            for index in reversed(longer):
                sequence = place
                if index != longer[0]:
                    sequence, free = free, free + 1
                    self._copy(place, sequence)
                ids, start = request.options[index], len(request.prompt)
                rows += [(token, start + at, sequence, [ids[at + 1]]) for at, token in enumerate(ids[:-1])]
                owners += [(place, index)] * (len(ids) - 1)
        for (place, index), (value,) in zip(owners, self._read(rows), strict=True):
            nats[place][index] += value
        return nats

    def score(self, requests: list[Request]) -> list[list[float]]:
        """Return the nats of each option."""
        return [nats for group in _groups(requests) for nats in self._group(group)]


def _groups(requests: list[Request]) -> Iterator[list[Request]]:
    """Yield requests in their order, as many at once as have a sequence for each option."""
    group, taken = [], 0
    for request in requests:
        if group and taken + len(request.options) > SEQUENCES:
            yield group
            group, taken = [], 0
        group.append(request)
        taken += len(request.options)
    if group:
        yield group


def cells_of(probe: Probe) -> int:
    """Return the tokens that the context of `llama_score` holds, for which a GPU needs room beside the model's own."""
    return cells(SEQUENCES, probe.longest)


def llama_score(model: llama_cpp.Llama, longest: int) -> Score:
    """Return the scoring of options by a loaded GGUF file.

    Args:
        longest: tokens of the longest prompt and option together.

    Raises:
        InputError: no memory for the context.
    """

    @cache
    def context() -> OptionContext:  # a domain too small for a probe needs none
        return OptionContext(model, longest)

    return lambda requests: context().score(requests)
