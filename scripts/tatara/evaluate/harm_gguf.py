"""Harm by llama.cpp: a GGUF file."""

from pathlib import Path

from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.answers_gguf import answer_gguf
from tatara.evaluate.harm import HarmFiles, HarmSets, answers_of, write_harm
from tatara.evaluate.neutral import encode_sentence, score_sentences
from tatara.llama import gguf_model
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def neutral_gguf(file: Path, base: Path, rows: list[dict], conversation: Conversation, threads: int) -> list[dict]:
    """Return the likelihood of neutral sentences under a GGUF file, one entry a sentence.

    Args:
        base: the base model's folder, for its tokenizer.
        rows: id and text.
    """
    tokenizer = load_tokenizer(base)
    ids = [encode_sentence(tokenizer, row, conversation) for row in rows]
    model = gguf_model.load(file, max(map(len, ids)), threads)
    scores = score_sentences(rows, ids, file.name, gguf_model.pieces_of(model))
    model.close()
    return scores


def harm_gguf(
    *,
    file: Path,
    model: str,
    fmt: str,
    base: Path,
    sets: HarmSets,
    conversation: Conversation,
    limit: int,
    context: int,
    threads: int,
    batch_size: int,
    files: HarmFiles,
) -> None:
    """Measure neutral sentences, then answer the questions; answers go on where a killed run stopped.

    Args:
        file: the GGUF file of `model` in the format `fmt`; `base` is the untuned model.
        base: the base model's folder, for its tokenizer.
        limit, context: tokens of an answer, and of prompt and answer together.
        batch_size: questions of a batch; 1 asks one by one.

    Raises:
        InputError: a prompt that does not fit the context, or a sentence or question that spells a control token.
    """
    neutral = neutral_gguf(file, base, sets.neutral, conversation, threads)

    def answer(rows: list[dict], to: AnswerFiles) -> None:
        answer_gguf(
            file=file,
            fmt=fmt,
            base=base,
            rows=rows,
            conversation=conversation,
            limit=limit,
            context=context,
            threads=threads,
            batch_size=batch_size,
            timed=0,
            files=to,
        )

    write_harm(files.output, model, fmt, neutral, answers_of(sets.questions, answer, files.finished))
