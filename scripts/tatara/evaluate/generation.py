"""Greedy answers of a model in process, one by one or in batches; how it generates is the engine's own affair.

Which questions share a batch is fixed by their order, so that a run after a kill repeats the same batches. The last
bits of a batched matrix product are not those of a single one: where two tokens are about equally likely, an answer may
take the other one. A sample that is answered once more, one by one, gives the times and shows how often that happens.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tatara.data.questions import asked
from tatara.evaluate.answers import Answer, AnswerFiles, Timing, keep_answers, open_finished, write_answers
from tatara.files.sample import evenly_spaced
from tatara.job.errors import InputError
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.differences import first_difference

logger = logging.getLogger("tatara")
Generate = Callable[[list[int]], list[int]]  # prompt ids -> generated ids, a stop token included where one came
GenerateBatch = Callable[[list[list[int]]], list[list[int]]]  # the same for several prompts at once


@dataclass(frozen=True)
class Engine:
    """A loaded model that continues prompts greedily.

    Attributes:
        tokenizer: of the base model.
        stops: ids that end an answer.
        generate: continues one prompt.
        generate_batch: continues the prompts of a batch; None where questions are asked one by one.
    """

    tokenizer: object
    stops: list[int]
    generate: Generate
    generate_batch: GenerateBatch | None = None


def encode_prompts(
    tokenizer, rows: list[dict], conversation: Conversation, limit: int, context: int
) -> list[list[int]]:
    """Return each question's prompt as token ids.

    Args:
        limit: most tokens of an answer.
        context: tokens of prompt and answer together.

    Raises:
        InputError: a prompt that does not fit the context beside its answer.
    """
    prompts = [chat.encode_prompt(tokenizer, asked(row), conversation, row["id"]) for row in rows]
    longest = max(map(len, prompts))
    if longest + limit > context:
        fewer = ", or graph_at_hand.lines" if any("prompt" in row for row in rows) else ""
        raise InputError(
            f"a prompt of {longest} tokens and answers of up to {limit} do not fit config key evaluate.context, "
            f"{context}: raise it, or lower evaluate.max_new_tokens (models.NAME.max_new_tokens){fewer}"
        )
    return prompts


def decode(engine: Engine, ids: list[int], seconds: float | None = None) -> Answer:
    """Return generated ids as an answer."""
    stop = "eos" if ids and ids[-1] in engine.stops else "length"
    return Answer(chat.decode_answer(engine.tokenizer, ids), len(ids), stop, seconds)


def generate_timed(engine: Engine, prompt: list[int]) -> tuple[list[int], float]:
    """Return the continuation of one prompt and the seconds that it took."""
    start = time.monotonic()
    ids = engine.generate(prompt)
    return ids, time.monotonic() - start


def batches(count: int, size: int) -> Iterator[list[int]]:
    """Yield the numbers 0 … count - 1 in batches of at most `size`."""
    for start in range(0, count, size):
        yield list(range(start, min(start + size, count)))


def answer_questions(
    engine: Engine,
    rows: list[dict],
    prompts: list[list[int]],
    *,
    size: int,
    timed: int,
    what: str,
    mark: str,
    files: AnswerFiles,
) -> None:
    """Answer every question and write answers and times; a killed run goes on where it stopped.

    Args:
        rows, prompts: the questions, and their prompts as token ids.
        size: questions of a batch, where the engine has batches.
        timed: how many questions of batches are asked once more one by one, for their times.
        what: names the work in the log.
        mark: digest of all that decides the answers.
    """
    ids = [row["id"] for row in rows]
    prompt_of = dict(zip(ids, prompts, strict=True))
    lengths = {id_: len(prompt) for id_, prompt in prompt_of.items()}
    if engine.generate_batch is None:

        def ask_all(missing: list[dict]) -> Iterator[tuple[dict, Answer]]:
            return ((row, decode(engine, *generate_timed(engine, prompt_of[row["id"]]))) for row in missing)

        keep_answers(ask_all, rows=rows, prompt_tokens=lengths, what=what, mark=mark, files=files)
        return
    with open_finished(files.finished, mark, len(rows)) as finished:
        _answer_in_batches(engine, prompt_of, size, what, finished)
        _answer_sample(engine, prompt_of, timed, what, finished)
    answers = {id_: decode(engine, finished.rows[id_]["tokens"]) for id_ in ids}
    write_answers(rows, answers, {id_: _timing(finished, id_) for id_ in ids}, lengths, files)
    finished.remove()


def _answer_in_batches(
    engine: Engine, prompt_of: dict[str, list[int]], size: int, what: str, finished: FinishedRows
) -> None:
    """Answer prompts, by question id, in batches; a row that is kept has the `tokens` of an answer."""
    ids = list(prompt_of)
    for batch in Progress(list(batches(len(ids), size)), f"{what}, batches of {size}"):
        batch_ids = [ids[index] for index in batch]
        if all(id_ in finished.rows for id_ in batch_ids):
            continue
        generated = engine.generate_batch([prompt_of[id_] for id_ in batch_ids])
        for id_, tokens in zip(batch_ids, generated, strict=True):
            finished.add({"id": id_, "tokens": tokens})


def _answer_sample(
    engine: Engine, prompt_of: dict[str, list[int]], timed: int, what: str, finished: FinishedRows
) -> None:
    """Answer evenly spaced questions once more, one by one; such a row has the id `timed ID`, and `seconds`."""
    sample = evenly_spaced(list(prompt_of), timed)
    for id_ in Progress(sample, f"{what}, one by one"):
        if f"timed {id_}" not in finished.rows:
            tokens, seconds = generate_timed(engine, prompt_of[id_])
            finished.add({"id": f"timed {id_}", "tokens": tokens, "seconds": seconds})
    differing = sum(finished.rows[id_]["tokens"] != finished.rows[f"timed {id_}"]["tokens"] for id_ in sample)
    logger.info(
        "%s: %d of %d questions answered one by one as well; %d of these answers have other tokens",
        what,
        len(sample),
        len(prompt_of),
        differing,
    )


def _timing(finished: FinishedRows, id_: str) -> Timing:
    tokens, alone = finished.rows[id_]["tokens"], finished.rows.get(f"timed {id_}")
    if alone is None:
        return Timing(None, len(tokens))
    return Timing(alone["seconds"], len(alone["tokens"]), first_difference(alone["tokens"], tokens))
