"""Greedy answers behind one call: GGUF files through model.cpp, NF4 with an adapter through transformers (paper §3.2)."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tatara.evaluate import batches
from tatara.evaluate.greedy import Generate, llama_generate, transformers_generate
from tatara.files.formats import FORMATS
from tatara.files.jsonl import write_jsonl
from tatara.files.text import write_csv
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows
from tatara.llama import gguf_model
from tatara.models import chat, loading

logger = logging.getLogger("tatara")


@dataclass(frozen=True)
class Answer:
    """One answer; `stop` is `eos` when the model ended its turn and `length` when it was cut at the limit."""

    text: str
    tokens: int
    stop: str
    seconds: float


def prompt_of(tokenizer, question: str, system: str, limit: int, context: int) -> list[int]:
    """Return a question's prompt as token ids; raise InputError where prompt and answer do not fit the context."""
    prompt = chat.encode_prompt(tokenizer, question, system)
    if len(prompt) + limit > context:
        raise InputError(
            f"a prompt of {len(prompt)} tokens and answers of up to {limit} do not fit config key evaluate.context, "
            f"{context}: "
            "raise it, or lower evaluate.max_new_tokens"
        )
    return prompt


def ask(
    generate: Generate, tokenizer, question: str, system: str, stops: list[int], limit: int, context: int
) -> Answer:
    """Ask one question."""
    prompt = prompt_of(tokenizer, question, system, limit, context)
    start = time.monotonic()
    ids = generate(prompt)
    seconds = time.monotonic() - start
    return Answer(chat.decode_answer(tokenizer, ids), len(ids), stop_of(ids, stops), seconds)


def stop_of(ids: list[int], stops: list[int]) -> str:
    """Return `eos` for an answer that ended by itself and `length` for one that was cut."""
    return "eos" if ids and ids[-1] in stops else "length"


def answer_all(
    *,
    rows: list[dict],
    fmt: str,
    base: Path,
    file: Path | None,
    adapter: Path | None,
    answers: Path,
    times: Path,
    finished: Path,
    system: str,
    limit: int,
    context: int,
    threads: int,
    device: str = "auto",
    batch_size: int,
    timed: int,
) -> None:
    """Answer every question in one format; a killed run goes on with the first question it has no answer to.

    Args:
        rows: questions of the test set.
        fmt: one of `formats.FORMATS`.
        file: the GGUF file, for GGUF formats.
        adapter: the adapter's folder, for `nf4`.
        answers: JSONL to write; what a seed decides.
        times: CSV to write: seconds and tokens of each answer that was given one by one (docs/files.md).
        finished: file that keeps finished answers until all are there.
        batch_size: questions answered together; 1 asks one by one, and each answer has its time.
        timed: how many of the questions that are answered together are asked once more one by one, for their times.
    """
    loading.prepare(0, threads)
    tokenizer = loading.load_tokenizer(base)
    stops = chat.stop_tokens(tokenizer)
    material = [rows, fmt, system, limit, context, threads, batch_size, timed]
    # A GGUF file stands for itself; NF4 is the base with its adapter.
    mark = fingerprint(material, [file] if FORMATS[fmt].gguf else [base, adapter])
    ids = [row["id"] for row in rows]
    prompts = [prompt_of(tokenizer, row["question"], system, limit, context) for row in rows]
    size, longest = min(batch_size, len(rows)), max(map(len, prompts))
    if FORMATS[fmt].gguf:
        from tatara.llama import batch

        model = gguf_model.load(file, context, threads, more=batch.cells(size, longest, limit) if batch_size > 1 else 0)
        generate = llama_generate(model, stops, limit)
    else:
        model = loading.load_nf4(base, loading.device(device), adapter)
        generate = transformers_generate(model, tokenizer, stops, limit)
    what = f"answers {fmt}"
    if batch_size == 1:
        keep_answers(
            lambda open_rows: (
                (row, ask(generate, tokenizer, row["question"], system, stops, limit, context)) for row in open_rows
            ),
            rows=rows,
            what=what,
            mark=mark,
            answers=answers,
            times=times,
            finished=finished,
        )
        return
    if FORMATS[fmt].gguf:
        many = batch.generate_batch(model, stops, limit, size, longest)
    else:
        many = batches.transformers_batch(model, tokenizer, stops, limit)
    with _taken_up(finished, mark, len(rows)) as kept:
        batches.answer(kept, ids, prompts, generate, many, size, timed, what)
    given = {id_: kept.rows[id_]["tokens"] for id_ in ids}
    done = {
        id_: {"text": chat.decode_answer(tokenizer, got), "tokens": len(got), "stop": stop_of(got, stops)}
        for id_, got in given.items()
    }
    _write(rows, done, batches.timing(kept, ids), answers, times)
    kept.remove()


def keep_answers(
    ask_all: Callable[[list[dict]], Iterator[tuple[dict, Answer]]],
    *,
    rows: list[dict],
    what: str,
    mark: str,
    answers: Path,
    times: Path,
    finished: Path,
) -> None:
    """Ask the questions that have no answer yet, keep each answer as it comes, and write all of them once they are
    there.

    Args:
        ask_all: open questions -> each with its answer, in any order.
        mark: what decides the answers; those of another mark are not taken up.
        answers, times, finished: as in `answer_all`.
    """
    with _taken_up(finished, mark, len(rows)) as kept:
        missing = [row for row in rows if row["id"] not in kept.rows]
        done = ask_all(missing)
        for _ in Progress(missing, what, done=len(kept.rows)):
            row, answer = next(done)
            kept.add({"id": row["id"], **asdict(answer)})
    _write(
        rows,
        kept.rows,
        {id_: (f"{got['seconds']:.4f}", got["tokens"], "") for id_, got in kept.rows.items()},
        answers,
        times,
    )
    kept.remove()


def _taken_up(path: Path, mark: str, count: int) -> FinishedRows:
    kept = FinishedRows(path, mark)
    if kept.rows:
        logger.info("%d of %d answers are there from an interrupted run", min(len(kept.rows), count), count)
    return kept


def _write(rows: list[dict], done: dict[str, dict], timing: dict[str, tuple], answers: Path, times: Path) -> None:
    """Write the answers and their times in the order of the questions."""
    write_jsonl(
        answers,
        [
            {
                "id": row["id"],
                "category": row["category"],
                "question": row["question"],
                "answer": done[row["id"]]["text"],
                "tokens": done[row["id"]]["tokens"],
                "stop": done[row["id"]]["stop"],
            }
            for row in rows
        ],
    )
    write_csv(times, ["id", "seconds", "tokens", "differs_at"], [[row["id"], *timing[row["id"]]] for row in rows])
