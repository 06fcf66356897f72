"""Negative log-likelihood of the reference answers, question by question (paper eq. 5 and 6)."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy
import torch

from tatara.files.text import write_json
from tatara.job.progress import Progress
from tatara.models import chat, loading


def summary(name: str, model: str, questions: list[dict]) -> dict:
    """Return the NLL file's content (docs/files.md): nats, tokens and bytes in all, per token and per byte."""
    nats, tokens, size = (sum(row[key] for row in questions) for key in ("nats", "tokens", "bytes"))
    nll = nats / tokens
    return {
        "name": name,
        "model": model,
        "nll": nll,
        "ppl": math.exp(nll),
        "bits_per_byte": nats / (math.log(2) * size),
        "nats": nats,
        "tokens": tokens,
        "bytes": size,
        "questions": questions,
    }


def score(
    tokenizer, rows: list[dict], system: str, name: str, logits: Callable[[list[int]], numpy.ndarray]
) -> list[dict]:
    """Return one entry a question.

    Args:
        logits: takes token ids, returns an array (tokens, vocabulary); row i predicts token i + 1.
    """
    questions = []
    for row in Progress(rows, f"nll {name}"):
        item = chat.encode(tokenizer, row["question"], row["reference"], system)
        start = item.prompt_tokens
        scores = torch.as_tensor(numpy.asarray(logits(item.input_ids)[start - 1 : -1]), dtype=torch.float64)
        targets = torch.tensor(item.input_ids[start:])
        nats = torch.nn.functional.cross_entropy(scores, targets, reduction="sum").item()
        size = len(row["reference"].encode())
        questions.append(
            {"id": row["id"], "category": row["category"], "nats": nats, "tokens": len(targets), "bytes": size}
        )
    return questions


def transformers_logits(model) -> Callable[[list[int]], numpy.ndarray]:
    """Return a function from token ids to logits (tokens, vocabulary) in float32."""

    def logits(ids: list[int]) -> numpy.ndarray:
        with loading.inference():
            return model(input_ids=torch.tensor([ids], device=model.device)).logits[0].float().cpu().numpy()

    return logits


def write(path: Path, name: str, model: str, questions: list[dict]) -> dict:
    """Write an NLL file and return its content."""
    result = summary(name, model, questions)
    write_json(path, result)
    return result


def nll_adapter(
    *,
    base: Path,
    adapter: Path,
    rows: list[dict],
    output: Path,
    name: str,
    model: str,
    system: str,
    threads: int,
    device: str = "auto",
) -> dict:
    """Measure an adapter on its NF4 base: the very model that was trained."""
    loading.prepare(0, threads)
    loaded = loading.load_nf4(base, loading.device(device), adapter)
    questions = score(loading.load_tokenizer(base), rows, system, name, transformers_logits(loaded))
    return write(output, name, model, questions)


def nll_gguf(
    *,
    file: Path,
    base: Path,
    rows: list[dict],
    output: Path,
    name: str,
    model: str,
    system: str,
    context: int,
    threads: int,
) -> dict:
    """Measure a GGUF file through model.cpp; prompts and ids come from the base's tokenizer."""
    loaded = model.load(file, context, threads, logits_all=True)
    questions = score(loading.load_tokenizer(base), rows, system, name, model.logits_of(loaded))
    return write(output, name, model, questions)
