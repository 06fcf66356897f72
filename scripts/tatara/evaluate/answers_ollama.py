"""Answers by a model of an Ollama server as it is deployed: its own template and parameters (paper §6.2)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from tatara.data.questions import asked
from tatara.evaluate.answers import Answer, AnswerFiles, keep_answers
from tatara.job.fingerprint import fingerprint
from tatara.llm.ollama import Server
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def ask_all(
    server: Server, model: str, rows: list[dict], *, parallel: int, limit: int, context: int, tokenizer
) -> Iterator[tuple[dict, Answer]]:
    """Yield each question with its answer as it comes.

    Seconds are the server's own, for reading the prompt and for generating.

    Args:
        parallel: questions asked at once; the server answers as many at once as its OLLAMA_NUM_PARALLEL allows.
        tokenizer: of the base model; its special tokens are no part of an answer's text.
    """

    def ask(row: dict) -> Answer:
        messages = [{"role": "user", "content": asked(row)}]
        reply = server.chat(model, messages, limit=limit, context=context, seed=0, temperature=0)
        text = reply.text
        for token in tokenizer.all_special_tokens:
            text = text.replace(token, "")
        tokens = reply.tokens if reply.tokens is not None else len(chat.encode_text(tokenizer, reply.text))
        return Answer(text.strip(), tokens, "length" if reply.cut else "eos", reply.seconds)

    # The first request loads the model and touches all of it once; no question pays for that.
    server.chat(model, [{"role": "user", "content": "?"}], limit=1, context=context, seed=0, temperature=0)
    with ThreadPoolExecutor(parallel) as pool:
        futures = {pool.submit(ask, row): row for row in rows}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def answer_ollama(
    *,
    rows: list[dict],
    deployed: dict,
    fmt: str,
    base: Path,
    conversation: Conversation,
    limit: int,
    context: int,
    url: str | None,
    timeout: float,
    parallel: int,
    files: AnswerFiles,
) -> None:
    """Answer every question with a deployed model; a killed run goes on with the questions that have no answer yet.

    Args:
        rows: questions of the test set.
        deployed: what the check file says of the model (docs/files.md): its name and digest.
        base: the base model's folder, for its tokenizer.
        limit, context: tokens of an answer, and of prompt and answer together.
        url, timeout: of the server, and seconds that one request may take.
        parallel: questions asked at once.

    Raises:
        InputError: no server, the model is gone or is another one now, no answer in time, a prompt that does not fit.
    """
    server = Server(url, timeout)
    model = deployed["model"]
    identity = server.identity(model, context)
    tokenizer = load_tokenizer(base)
    mark = fingerprint(["ollama", rows, fmt, asdict(conversation), limit, context, parallel, identity], [])

    def ask(missing: list[dict]) -> Iterator[tuple[dict, Answer]]:
        return ask_all(server, model, missing, parallel=parallel, limit=limit, context=context, tokenizer=tokenizer)

    lengths = {row["id"]: len(chat.encode_prompt(tokenizer, asked(row), conversation, row["id"])) for row in rows}
    what = f"answers {fmt} by Ollama"
    keep_answers(ask, rows=rows, prompt_tokens=lengths, what=what, mark=mark, files=files)
