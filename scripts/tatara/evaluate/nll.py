"""Negative log-likelihood of the reference answers, question by question (paper eq. 5 and 6)."""

import math
from pathlib import Path

from tatara.data.questions import with_reference
from tatara.evaluate.nats import Pieces, nats_of
from tatara.files.text import write_json
from tatara.job.progress import Progress
from tatara.models import chat
from tatara.models.chat_template import Conversation


def summary(name: str, model: str, questions: list[dict]) -> dict:
    """Return the NLL file's content (docs/files.md): nats, tokens and bytes in all, per token and per byte.

    Without a question that has a reference answer there is no likelihood: it is null.
    """
    nats, tokens, size = (sum(row[key] for row in questions) for key in ("nats", "tokens", "bytes"))
    nll = nats / tokens if tokens else None
    return {
        "name": name,
        "model": model,
        "nll": nll,
        "ppl": math.exp(nll) if tokens else None,
        "bits_per_byte": nats / (math.log(2) * size) if size else None,
        "nats": nats,
        "tokens": tokens,
        "bytes": size,
        "questions": questions,
    }


def score(tokenizer, rows: list[dict], conversation: Conversation, name: str, pieces: Pieces) -> list[dict]:
    """Return one entry a question with a reference answer: nats over its tokens, how many these are, its UTF-8 bytes.

    Args:
        rows: questions of the test set, with their reference answers or without.
        name: of what is measured, for the log.
        pieces: the model.
    """
    questions = []
    for row in Progress(with_reference(rows), f"nll {name}"):
        item = chat.encode(tokenizer, row["question"], row["reference"], conversation, row["id"])
        ids, start = item.input_ids, item.prompt_tokens
        nats, size = nats_of(pieces, ids, start), len(row["reference"].encode())
        questions.append(
            {"id": row["id"], "category": row["category"], "nats": nats, "tokens": len(ids) - start, "bytes": size}
        )
    return questions


def write_nll(
    path: Path,
    name: str,
    model: str,
    questions: list[dict],
    development: list[dict] | None = None,
    file: Path | None = None,
) -> dict:
    """Write an NLL file of what `score` returned, and return its content.

    Args:
        development: the same for the questions on which the size is selected; the key `development` has them.
        file: the GGUF file that was measured; its bytes are recorded.
    """
    content = summary(name, model, questions)
    if development:
        content["development"] = summary(name, model, development)
    if file:
        content["file_bytes"] = file.stat().st_size
    write_json(path, content)
    return content
