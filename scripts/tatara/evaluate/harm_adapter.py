"""Harm by transformers: the base that is trained on, with its adapter or without."""

from dataclasses import asdict
from pathlib import Path

from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.answers_nf4 import greedy
from tatara.evaluate.generation import Engine, answer_questions, encode_prompts
from tatara.evaluate.harm import HarmFiles, HarmSets, answers_of, write_harm
from tatara.evaluate.neutral import encode_sentence, score_sentences
from tatara.evaluate.nll_adapter import transformers_pieces
from tatara.job.fingerprint import fingerprint
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def harm_adapter(
    *,
    base: Path,
    adapter: Path | None,
    model: str,
    fmt: str,
    sets: HarmSets,
    conversation: Conversation,
    precision: str,
    limit: int,
    context: int,
    threads: int,
    batch_size: int,
    files: HarmFiles,
    device: str = "auto",
) -> None:
    """Measure neutral sentences, then answer the questions; answers go on where a killed run stopped.

    Args:
        base, adapter: their folders; None measures the untuned base.
        precision: `train.base_precision`.
        limit, context: tokens of an answer, and of prompt and answer together.
        batch_size: questions of a batch; 1 asks one by one.

    Raises:
        InputError: a prompt that does not fit the context, or a sentence or question that spells a control token.
    """
    loading.prepare(0, threads)
    tokenizer = load_tokenizer(base)
    ids = [encode_sentence(tokenizer, row, conversation) for row in sets.neutral]
    loaded = loading.load_adapted(base, adapter, loading.device(device), precision)
    neutral = score_sentences(sets.neutral, ids, f"{model} {fmt}", transformers_pieces(loaded))
    stops = chat.stop_tokens(tokenizer, conversation)
    generate = greedy(loaded, tokenizer, stops, limit)
    engine = Engine(
        tokenizer, stops, lambda prompt: generate([prompt])[0], generate_batch=generate if batch_size > 1 else None
    )

    def answer(rows: list[dict], to: AnswerFiles) -> None:
        prompts = encode_prompts(tokenizer, rows, conversation, limit, context)
        decides = [rows, precision, asdict(conversation), limit, context, threads, batch_size]
        mark = fingerprint(decides, [path for path in (base, adapter) if path])
        size = min(batch_size, len(rows))
        answer_questions(engine, rows, prompts, size=size, timed=0, what=f"harm {fmt}", mark=mark, files=to)

    write_harm(files.output, model, fmt, neutral, answers_of(sets.questions, answer, files.finished))
