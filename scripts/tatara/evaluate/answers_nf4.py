"""Answers with the base that was trained on, NF4 unless configured otherwise, with its adapter or untuned (paper §3.2).

transformers generates them, one by one or in padded batches.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from transformers import GenerationConfig

from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.generation import Engine, GenerateBatch, answer_questions, encode_prompts
from tatara.job.fingerprint import fingerprint
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def greedy(model, tokenizer, stops: list[int], limit: int) -> GenerateBatch:
    """Return greedy generation through transformers; prompts are padded on the left, so that answers begin together."""
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stops[0]
    # A fresh configuration: the base's own may ask for sampling.
    settings = GenerationConfig(do_sample=False, max_new_tokens=limit, eos_token_id=stops, pad_token_id=pad)

    def generate(prompts: list[list[int]]) -> list[list[int]]:
        width = max(map(len, prompts))
        ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts], device=model.device)
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]).to(model.device)
        with loading.inference():
            # generate() counts positions from the mask, so that padding moves no token.
            rows = model.generate(ids, attention_mask=mask, generation_config=settings)[:, width:].tolist()
        # What follows an answer's end is padding.
        ends = [next((place + 1 for place, token in enumerate(row) if token in stops), len(row)) for row in rows]
        return [row[:end] for row, end in zip(rows, ends, strict=True)]

    return generate


def answer_nf4(
    *,
    base: Path,
    adapter: Path | None,
    rows: list[dict],
    conversation: Conversation,
    precision: str,
    limit: int,
    context: int,
    threads: int,
    device: str = "auto",
    batch_size: int,
    timed: int,
    files: AnswerFiles,
) -> None:
    """Answer every question with an adapter on its base, or the base alone; a killed run goes on where it stopped.

    Args:
        base, adapter: their folders; without an adapter the base answers untuned.
        rows: questions of the test set.
        precision: `train.base_precision`: what the base was in when it was trained.
        limit, context: tokens of an answer, and of prompt and answer together.
        batch_size: questions of a batch; 1 asks one by one, and each answer has its time.
        timed: how many questions of batches are asked once more one by one, for their times.

    Raises:
        InputError: a prompt that does not fit the context.
    """
    loading.prepare(0, threads)
    tokenizer = load_tokenizer(base)
    stops = chat.stop_tokens(tokenizer, conversation)
    prompts = encode_prompts(tokenizer, rows, conversation, limit, context)
    model = loading.load_adapted(base, adapter, loading.device(device), precision)
    generate_batch = greedy(model, tokenizer, stops, limit)
    engine = Engine(
        tokenizer,
        stops,
        generate=lambda prompt: generate_batch([prompt])[0],
        generate_batch=generate_batch if batch_size > 1 else None,
    )
    weights = [base, adapter] if adapter else [base]
    mark = fingerprint([rows, precision, asdict(conversation), limit, context, threads, batch_size, timed], weights)
    size = min(batch_size, len(rows))
    answer_questions(engine, rows, prompts, size=size, timed=timed, what="answers as trained", mark=mark, files=files)
