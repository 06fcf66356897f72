"""Ollama's server behind few calls: what a model is, one chat, a new model."""

import os
import time
from pathlib import Path

import httpx

from tatara.job.errors import InputError
from tatara.llm.chat import Reply, check_model_holds
from tatara.llm.ollama_calls import Caller, ollama
from tatara.llm.retries import ATTEMPTS

NANOSECONDS = 1e9
# Options belong under `options`: at the top level the server ignores them (ollama issue 5274). Its own default punishes
# repetition, and the most likely token would not be the one that is taken.
GREEDY = {"repeat_penalty": 1.0}


def _reply(got: ollama.ChatResponse, elapsed: float) -> Reply:
    text, texts = got.message.content or "", tuple(token.token for token in got.logprobs or ())
    if not got.done:  # broken off at a token that came 30 times in a row: such an answer has no times
        return Reply(text, None, True, elapsed, texts)
    seconds = ((got.prompt_eval_duration or 0) + (got.eval_duration or 0)) / NANOSECONDS
    return Reply(text, got.eval_count or 0, got.done_reason == "length", seconds, texts)


class Server:
    """An Ollama server (a ChatServer).

    Args:
        url: such as http://127.0.0.1:11434; None takes OLLAMA_HOST from the environment, or this address.
        timeout: seconds that one request may take.

    Raises:
        InputError: that is no address.
    """

    def __init__(self, url: str | None, timeout: float, attempts: int = ATTEMPTS):
        try:
            self.client = ollama.Client(host=url, timeout=timeout)
            if self.client._client.base_url.scheme not in ("http", "https"):
                raise ValueError(f"{self.client._client.base_url.scheme} is neither http nor https")
        except (ValueError, httpx.InvalidURL) as error:
            named = (
                f"environment variable OLLAMA_HOST is {os.environ.get('OLLAMA_HOST')!r}"
                if url is None
                else f"the address of Ollama is {url!r}"
            )
            raise InputError(f"{named}, no address of a server ({error}): give it as http://HOST:PORT") from None
        self.url = str(self.client._client.base_url)
        self._call = Caller(self.url, timeout, attempts)

    def identity(self, model: str, context: int | None = None) -> dict[str, str]:
        """Return name and digest of a model, parameters and quantization.

        Args:
            context: tokens that it will be asked to hold.

        Raises:
            InputError: no server, no such model, or a context beyond the model's own; the message says what to do.
        """
        shown = self._call(self.client.show, attempts=1, model=model)
        listed = self._call(self.client.list, attempts=1).models
        names = {model, f"{model}:latest"}
        digest = next((entry.digest for entry in listed if entry.model in names), "")
        known = next((value for key, value in (shown.modelinfo or {}).items() if key.endswith(".context_length")), None)
        check_model_holds(model, known, context)
        details = shown.details
        return {
            "model": model,
            "digest": digest,
            "parameters": details.parameter_size or "",
            "quantization": details.quantization_level or "",
        }

    def version(self) -> str:
        """Return the server's version."""
        return self._call(self.client._client.get, attempts=1, url="/api/version").json()["version"]

    def chat(
        self,
        model: str,
        messages: list[dict],
        *,
        limit: int,
        context: int,
        seed: int,
        temperature: float,
        schema: dict | None = None,
        pieces: bool = False,
    ) -> Reply:
        """Return one answer (ChatServer.chat).

        Args:
            pieces: whether to tell the text of each token.
        """
        options = {"num_ctx": context, "num_predict": limit, "seed": seed, "temperature": temperature, **GREEDY}
        start = time.monotonic()
        got = self._call(
            self.client.chat,
            model=model,
            messages=messages,
            format=schema,
            options=options,
            logprobs=pieces or None,
            stream=False,
        )
        # The server cuts a prompt that is too long to the context's size and says nothing.
        if (got.prompt_eval_count or 0) + limit > context:
            raise InputError(
                f"a prompt of {got.prompt_eval_count} tokens (or more: Ollama cuts it there) and an answer of up to "
                f"{limit} do not fit a context of {context} tokens: raise context, or lower max_tokens"
            )
        return _reply(got, time.monotonic() - start)

    def prompt_tokens(self, model: str, question: str, bos: int | None, context: int) -> list[int]:
        """Return the token ids of the prompt that the server builds of a question by the model's template and system.

        The server tells the ids of prompt and answer together, without a BOS that it puts before them by itself, and
        how many it has read. The answer is held to one token that begins a JSON object, which no tokenizer joins to the
        end of a prompt.
        """
        options = {"num_ctx": context, "num_predict": 1, "temperature": 0}
        got = self._call(
            self.client.generate, model=model, prompt=question, format={"type": "object"}, options=options, stream=False
        )
        ids = list(got.context or [])
        answer = got.eval_count or 0
        added = (got.prompt_eval_count or 0) + answer - len(ids)
        return [bos] * added + ids[: len(ids) - answer]

    def create(self, model: str, file: Path, *, template: str, system: str, parameters: dict) -> None:
        """Make a model of a GGUF file; one of this name is replaced.

        Raises:
            InputError: no server, a disk that is full, a template or a file that the server refuses.
        """
        digest = self._call(self.client.create_blob, attempts=1, path=file)
        self._call(
            self.client.create,
            attempts=1,
            model=model,
            files={file.name: digest},
            template=template,
            system=system or None,
            parameters=parameters,
        )
