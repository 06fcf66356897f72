"""Answers with a GGUF file through llama.cpp, one by one or many in one decode (paper §3.2)."""

from dataclasses import asdict
from pathlib import Path

from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.generation import Engine, answer_questions, encode_prompts
from tatara.job.fingerprint import fingerprint
from tatara.llama import batch, gguf_model
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def answer_gguf(
    *,
    file: Path,
    fmt: str,
    base: Path,
    rows: list[dict],
    conversation: Conversation,
    limit: int,
    context: int,
    threads: int,
    batch_size: int,
    timed: int,
    files: AnswerFiles,
) -> None:
    """Answer every question with a GGUF file; a killed run goes on where it stopped.

    Args:
        file: the GGUF file; fmt: its format, one of `formats.FORMATS`.
        base: the base model's folder, for its tokenizer.
        rows: questions of the test set.
        limit, context: tokens of an answer, and of prompt and answer together.
        batch_size: questions of a batch; 1 asks one by one, and each answer has its time.
        timed: how many questions of batches are asked once more one by one, for their times.

    Raises:
        InputError: a prompt that does not fit the context, or no memory for a batch.
    """
    tokenizer = load_tokenizer(base)
    stops = chat.stop_tokens(tokenizer, conversation)
    prompts = encode_prompts(tokenizer, rows, conversation, limit, context)
    slots, longest = min(batch_size, len(rows)), max(map(len, prompts))
    batched = batch_size > 1
    model = gguf_model.load(file, context, threads, more=batch.cells(slots, longest + limit) if batched else 0)
    engine = Engine(
        tokenizer,
        stops,
        generate=lambda prompt: list(gguf_model.greedy_tokens(model, prompt, stops, limit)),
        generate_batch=batch.generate_batch(model, stops, limit, slots, longest) if batched else None,
    )
    # A GGUF file stands for the whole model.
    mark = fingerprint([rows, fmt, asdict(conversation), limit, context, threads, batch_size, timed], [file])
    answer_questions(engine, rows, prompts, size=slots, timed=timed, what=f"answers {fmt}", mark=mark, files=files)
