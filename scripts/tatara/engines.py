"""Greedy answers behind one call: GGUF files through llama.cpp, NF4 with an adapter through transformers (paper §3.2)."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tatara import chat, llama, models
from tatara.checkpoints import fingerprint
from tatara.errors import InputError
from tatara.formats import FORMATS
from tatara.jsonl import write_jsonl
from tatara.partial import Partial
from tatara.progress import Progress

logger = logging.getLogger("tatara")
Generate = Callable[[list[int]], list[int]]  # prompt ids -> generated ids, a stop token included where one came


@dataclass(frozen=True)
class Answer:
    """One answer; `stop` is `eos` when the model ended its turn and `length` when it was cut at the limit."""

    text: str
    tokens: int
    stop: str
    seconds: float


def llama_generate(model, stops: list[int], limit: int) -> Generate:
    """Return greedy generation through llama.cpp; each call begins afresh, so answers do not depend on their order."""

    def generate(prompt: list[int]) -> list[int]:
        model.reset()
        ids = []
        for token in model.generate(prompt, top_k=1, temp=0.0, repeat_penalty=1.0, reset=True):
            ids.append(int(token))
            if token in stops or len(ids) == limit:
                break
        return ids

    return generate


def transformers_generate(model, tokenizer, stops: list[int], limit: int) -> Generate:
    """Return greedy generation through transformers."""
    import torch
    from transformers import GenerationConfig

    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stops[0]
    # A fresh configuration: the base's own may ask for sampling.
    settings = GenerationConfig(do_sample=False, max_new_tokens=limit, eos_token_id=stops, pad_token_id=pad)

    def generate(prompt: list[int]) -> list[int]:
        ids = torch.tensor([prompt], device=model.device)
        with models.inference():
            return model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)[0, len(prompt) :].tolist()

    return generate


def ask(generate: Generate, tokenizer, question: str, system: str, stops: list[int], limit: int, context: int) -> Answer:
    """Ask one question."""
    prompt = chat.encode_prompt(tokenizer, question, system)
    if len(prompt) + limit > context:
        raise InputError(
            f"a prompt of {len(prompt)} tokens and answers of up to {limit} do not fit config key evaluate.context, {context}: "
            "raise it, or lower evaluate.max_new_tokens"
        )
    start = time.monotonic()
    ids = generate(prompt)
    seconds = time.monotonic() - start
    ended = bool(ids) and ids[-1] in stops
    return Answer(chat.decode_answer(tokenizer, ids), len(ids), "eos" if ended else "length", seconds)


def answer_all(
    *, rows: list[dict], fmt: str, base: Path, file: Path | None, adapter: Path | None, answers: Path, times: Path, partial: Path,
    system: str, limit: int, context: int, threads: int, device: str,
) -> None:  # fmt: skip
    """Answer every question in one format; a killed run goes on with the first question it has no answer to.

    Args:
        rows: questions of the test set.
        fmt: one of `formats.FORMATS`.
        file: the GGUF file, for GGUF formats.
        adapter: the adapter's folder, for `nf4`.
        answers: JSONL to write; what a seed decides.
        times: CSV to write: seconds and tokens of each answer.
        partial: file that keeps finished answers until all are there.
    """
    models.prepare(0, threads)
    tokenizer = models.load_tokenizer(base)
    stops = chat.stop_tokens(tokenizer)
    material = [rows, fmt, system, limit, context, threads]
    # A GGUF file stands for itself; NF4 is the base with its adapter.
    mark = fingerprint(material, [file] if FORMATS[fmt].gguf else [base, adapter])
    if FORMATS[fmt].gguf:
        generate = llama_generate(llama.load(file, context, threads), stops, limit)
    else:
        generate = transformers_generate(models.load_nf4(base, models.device(device), adapter), tokenizer, stops, limit)
    keep_answers(
        lambda open_rows: ((row, ask(generate, tokenizer, row["question"], system, stops, limit, context)) for row in open_rows),
        rows=rows, what=f"answers {fmt}", mark=mark, answers=answers, times=times, partial=partial,
    )  # fmt: skip


def keep_answers(
    ask_all: Callable[[list[dict]], Iterator[tuple[dict, Answer]]], *, rows: list[dict], what: str, mark: str, answers: Path, times: Path,
    partial: Path,
) -> None:  # fmt: skip
    """Ask the questions that have no answer yet, keep each answer as it comes, and write all of them once they are there.

    Args:
        ask_all: open questions -> each with its answer, in any order.
        mark: what decides the answers; those of another mark are not taken up.
        answers, times, partial: as in `answer_all`.
    """
    with Partial(partial, mark) as kept:
        if kept.rows:
            logger.info("%d of %d answers are there from an interrupted run", len(kept.rows), len(rows))
        missing = [row for row in rows if row["id"] not in kept.rows]
        done = ask_all(missing)
        for _ in Progress(missing, what, done=len(kept.rows)):
            row, answer = next(done)
            kept.add({"id": row["id"], **asdict(answer)})
    done = [(row, kept.rows[row["id"]]) for row in rows]
    write_jsonl(
        answers,
        [
            {
                "id": row["id"],
                "category": row["category"],
                "question": row["question"],
                "answer": got["text"],
                "tokens": got["tokens"],
                "stop": got["stop"],
            }
            for row, got in done
        ],
    )
    lines = [f"{got['id']},{got['seconds']:.4f},{got['tokens']}\n" for _, got in done]
    times.write_text("id,seconds,tokens\n" + "".join(lines), encoding="utf-8")
    kept.remove()
