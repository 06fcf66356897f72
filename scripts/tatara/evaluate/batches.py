"""Questions answered together, `size` at a time, and a sample of them answered once more one by one for its times.

Which questions share a batch is fixed by their order, so that a run after a kill repeats the same batches. The last
bits of a batched matrix product are not those of a single one, so where two tokens are about equally likely an answer
may take the other one; the sample shows how often that happens.
"""

import logging
import time
from collections.abc import Callable, Iterator

from tatara.files.sample import evenly_spaced
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.models import loading

logger = logging.getLogger("tatara")
Generate = Callable[[list[int]], list[int]]
GenerateBatch = Callable[
    [list[list[int]]], list[list[int]]
]  # prompts' ids -> generated ids of each, a stop token included where one came


def batches(count: int, size: int) -> Iterator[list[int]]:
    """Yield the numbers 0 … count − 1 in batches of at most `size`."""
    for start in range(0, count, size):
        yield list(range(start, min(start + size, count)))


def first_difference(one: list[int], other: list[int]) -> int | None:
    """Return the first place where two answers' tokens differ, None where they are the same."""
    if one == other:
        return None
    return next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def transformers_batch(model, tokenizer, stops: list[int], limit: int) -> GenerateBatch:
    """Return greedy generation of many prompts through transformers, padded on the left so that all answers begin at
    the same place.
    """
    import torch
    from transformers import GenerationConfig

    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stops[0]
    settings = GenerationConfig(do_sample=False, max_new_tokens=limit, eos_token_id=stops, pad_token_id=pad)

    def generate(prompts: list[list[int]]) -> list[list[int]]:
        width = max(map(len, prompts))
        ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts], device=model.device)
        mask = torch.tensor(
            [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device
        )
        with loading.inference():
            # generate() counts positions from the mask, so that padding moves no token.
            rows = model.generate(ids, attention_mask=mask, generation_config=settings)[:, width:].tolist()
        # What follows an answer's end is padding.
        ends = [next((place + 1 for place, token in enumerate(row) if token in stops), len(row)) for row in rows]
        return [row[:end] for row, end in zip(rows, ends, strict=True)]

    return generate


def answer(
    kept: FinishedRows,
    ids: list[str],
    prompts: list[list[int]],
    one: Generate,
    many: GenerateBatch,
    size: int,
    timed: int,
    what: str,
) -> None:
    """Answer all prompts in batches of `size` and `timed` of them one by one, and keep in `kept` what is done.

    A row that is kept holds the `tokens` of an answer; that of an answer one by one has the key `timed ID` and its
    `seconds`.
    """
    for batch in Progress(list(batches(len(ids), size)), f"{what}, batches of {size}"):
        if all(ids[index] in kept.rows for index in batch):
            continue
        for index, tokens in zip(batch, many([prompts[index] for index in batch]), strict=True):
            kept.add({"id": ids[index], "tokens": tokens})
    chosen = evenly_spaced(list(range(len(ids))), timed)
    for index in Progress(chosen, f"{what}, one by one"):
        key = f"timed {ids[index]}"
        if key in kept.rows:
            continue
        start = time.monotonic()
        tokens = one(prompts[index])
        kept.add({"id": key, "tokens": tokens, "seconds": time.monotonic() - start})
    other = sum(kept.rows[ids[index]]["tokens"] != kept.rows[f"timed {ids[index]}"]["tokens"] for index in chosen)
    logger.info(
        "%s: %d of %d answers given one by one as well; %d of them have other tokens",
        what,
        len(chosen),
        len(ids),
        other,
    )


def timing(kept: FinishedRows, ids: list[str]) -> dict[str, tuple]:
    """Return, by question, seconds and tokens of the answer given one by one and where the answer given together has
    another token.

    Questions that were not asked one by one have the tokens of their one answer and no seconds; answers that are the
    same have no place.
    """
    found = {}
    for id_ in ids:
        given, alone = kept.rows[id_]["tokens"], kept.rows.get(f"timed {id_}")
        if alone is None:
            found[id_] = ("", len(given), "")
        else:
            place = first_difference(alone["tokens"], given)
            found[id_] = (f"{alone['seconds']:.4f}", len(alone["tokens"]), "" if place is None else place)
    return found
