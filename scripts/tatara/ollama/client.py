"""Ollama's server behind few calls: what a model is, one chat, a new model. Faults that pass are tried again; the
others say what to do.
"""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError
from tenacity import RetryCallState, Retrying, before_sleep_log, retry_if_exception, wait_exponential_jitter

from tatara.job.errors import InputError

try:
    import ollama  # makes a client of OLLAMA_HOST at once
except ValueError as error:
    raise InputError(
        f"environment variable OLLAMA_HOST is {os.environ.get('OLLAMA_HOST')!r}, no address of a server ({error}): "
        "give it as http://HOST:PORT"
    ) from None

logger = logging.getLogger("tatara")
ATTEMPTS = 5  # 1 + 2 + 4 + 8 s between them: enough for a server that restarts
SLOW_ATTEMPTS = 2  # of a request that took longer than it may: it is likely to do so again
NANOSECONDS = 1e9


@dataclass(frozen=True)
class Reply:
    """What a chat returned.

    Attributes:
        text: the answer.
        tokens: generated tokens, the end of the turn among them; None where the server did not say.
        cut: whether the answer has no end of its own: the limit was reached, or the server broke off a token that came
            30 times in a row.
        seconds: reading the prompt and generating, by the server's own clock; loading the model is left out. An answer
            that was broken off has no such times, and takes the seconds of its request.
        pieces: the text of each token, where asked for; bytes that are no whole character are U+FFFD.
    """

    text: str
    tokens: int | None
    cut: bool
    seconds: float
    pieces: tuple[str, ...] = ()


def _passes(error: BaseException) -> bool:
    if isinstance(error, ollama.ResponseError):
        return error.status_code >= 500
    # A reply that is no JSON or not Ollama's (a ValueError, as pydantic's is) comes from a server or a proxy in
    # trouble.
    return isinstance(error, ConnectionError | httpx.TransportError | ValueError)


class Server:
    """An Ollama server.

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
        self.timeout, self.attempts = timeout, attempts

    def _call(self, function, *, attempts: int | None = None, **arguments):
        attempts = attempts or self.attempts

        def enough(state: RetryCallState) -> bool:
            slow = isinstance(state.outcome.exception(), httpx.TimeoutException)
            return state.attempt_number >= (min(attempts, SLOW_ATTEMPTS) if slow else attempts)

        retries = Retrying(
            retry=retry_if_exception(_passes),
            stop=enough,
            wait=wait_exponential_jitter(1, 30, jitter=0.5),
            before_sleep=before_sleep_log(logger, logging.WARNING),
            reraise=True,
        )
        try:
            return retries(function, **arguments)
        except httpx.TimeoutException:
            raise InputError(
                f"Ollama at {self.url} gave no answer within {self.timeout:g} s, several times; raise the timeout"
            ) from None
        except (ConnectionError, httpx.TransportError) as error:
            raise InputError(
                f"no Ollama server at {self.url} ({str(error).splitlines()[0] if str(error) else type(error).__name__}): "
                "start it with `ollama serve`, or name its address in the config (url) or in OLLAMA_HOST"
            ) from None
        except ollama.ResponseError as error:
            if error.status_code == 404 and "model" in arguments:
                raise InputError(
                    f"Ollama at {self.url} has no model {arguments['model']}: run `ollama pull {arguments['model']}`"
                ) from None
            if "no space left" in error.error:
                raise InputError(
                    f"the disk of Ollama at {self.url} is full ({error.error}): free some of it, "
                    "or set OLLAMA_MODELS for the server to a folder elsewhere"
                ) from None
            raise InputError(
                f"Ollama at {self.url} refused the request (HTTP {error.status_code}): {error.error}"
            ) from None
        except ValueError as error:
            what = "a reply with other fields" if isinstance(error, ValidationError) else "no JSON"
            raise InputError(
                f"what answers at {self.url} is not Ollama, or something in between is broken: it sent {what}, "
                f"{attempts} times"
            ) from None

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
        if context and known and context > known:
            # The server would take the smaller one and cut what does not fit, without a word.
            raise InputError(
                f"the model {model} holds {known} tokens of context, and {context} are asked for: lower context, or "
                "take another model"
            )
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
        """Return one answer.

        Args:
            messages: `role` and `content` each.
            limit: most tokens to generate.
            context: tokens of prompt and answer together.
            schema: JSON schema that the answer is held to.
            pieces: whether to tell the text of each token.

        Raises:
            InputError: no server, no such model, no answer in time, or a prompt that does not fit the context beside
                the answer.
        """
        # Options belong under `options`: at the top level the server ignores them (ollama issue 5274). Its own default
        # punishes repetition, and the most likely token would not be the one that is taken.
        options = {
            "num_ctx": context,
            "num_predict": limit,
            "seed": seed,
            "temperature": temperature,
            "repeat_penalty": 1.0,
        }
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
                f"{limit} "
                f"do not fit a context of {context} tokens: raise context, or lower max_tokens"
            )
        text, texts = got.message.content or "", tuple(token.token for token in got.logprobs or ())
        if not got.done:
            return Reply(text, None, True, time.monotonic() - start, texts)
        seconds = ((got.prompt_eval_duration or 0) + (got.eval_duration or 0)) / NANOSECONDS
        return Reply(text, got.eval_count or 0, got.done_reason == "length", seconds, texts)

    def prompt_tokens(self, model: str, question: str, bos: int | None, context: int) -> list[int]:
        """Return the token ids of the prompt that the server builds of a question, with the model's own template and
        system prompt.

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
