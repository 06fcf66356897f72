"""Ollama's server behind two calls: what a model is, and one chat. Faults that pass are tried again; the others say what to do."""

import logging
from dataclasses import dataclass

import httpx
import ollama
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from tatara.errors import InputError

logger = logging.getLogger("tatara")
ATTEMPTS = 5  # 1 + 2 + 4 + 8 s between them: enough for a server that restarts
NANOSECONDS = 1e9


@dataclass(frozen=True)
class Reply:
    """What a chat returned.

    Attributes:
        text: the answer.
        tokens: generated tokens; `cut` is true where the limit ended the answer.
        seconds: reading the prompt and generating, by the server's own clock; loading the model is left out.
    """

    text: str
    tokens: int
    cut: bool
    seconds: float


def _passes(error: BaseException) -> bool:
    if isinstance(error, ollama.ResponseError):
        return error.status_code >= 500
    return isinstance(error, ConnectionError | httpx.TransportError)


class Server:
    """An Ollama server.

    Args:
        url: such as http://127.0.0.1:11434; None takes OLLAMA_HOST from the environment, or this address.
        timeout: seconds that one request may take.
    """

    def __init__(self, url: str | None, timeout: float, attempts: int = ATTEMPTS):
        self.client = ollama.Client(host=url, timeout=timeout)
        self.url = str(self.client._client.base_url)
        self.timeout, self.attempts = timeout, attempts

    def _call(self, function, *, attempts: int | None = None, **arguments):
        retries = Retrying(
            retry=retry_if_exception(_passes), stop=stop_after_attempt(attempts or self.attempts), wait=wait_exponential_jitter(1, 30, jitter=0.5),
            before_sleep=before_sleep_log(logger, logging.WARNING), reraise=True,
        )  # fmt: skip
        try:
            return retries(function, **arguments)
        except httpx.TimeoutException:
            raise InputError(f"Ollama at {self.url} gave no answer within {self.timeout:g} s, {self.attempts} times; raise the timeout") from None
        except (ConnectionError, httpx.TransportError) as error:
            raise InputError(
                f"no Ollama server at {self.url} ({str(error).splitlines()[0] if str(error) else type(error).__name__}): "
                "start it with `ollama serve`, or name its address in the config (url) or in OLLAMA_HOST"
            ) from None
        except ollama.ResponseError as error:
            if error.status_code == 404 and "model" in arguments:
                raise InputError(f"Ollama at {self.url} has no model {arguments['model']}: run `ollama pull {arguments['model']}`") from None
            raise InputError(f"Ollama at {self.url} refused the request (HTTP {error.status_code}): {error.error}") from None

    def identity(self, model: str) -> dict[str, str]:
        """Return name and digest of a model, parameters and quantization, and the server's address.

        Raises:
            InputError: no server, or no such model; the message says what to run.
        """
        shown = self._call(self.client.show, attempts=1, model=model)
        listed = self._call(self.client.list, attempts=1).models
        names = {model, f"{model}:latest"}
        digest = next((entry.digest for entry in listed if entry.model in names), "")
        details = shown.details
        return {"model": model, "digest": digest, "parameters": details.parameter_size or "", "quantization": details.quantization_level or ""}

    def chat(
        self, model: str, messages: list[dict], *, limit: int, context: int, seed: int, temperature: float, schema: dict | None = None
    ) -> Reply:  # fmt: skip
        """Return one answer.

        Args:
            messages: `role` and `content` each.
            limit: most tokens to generate.
            context: tokens of prompt and answer together.
            schema: JSON schema that the answer is held to.

        Raises:
            InputError: no server, no such model, no answer in time, or a prompt that does not fit the context beside the answer.
        """
        # Options belong under `options`: at the top level the server ignores them (ollama issue 5274).
        options = {"num_ctx": context, "num_predict": limit, "seed": seed, "temperature": temperature}
        got = self._call(self.client.chat, model=model, messages=messages, format=schema, options=options, stream=False)
        # The server cuts a prompt that is too long to the context's size and says nothing.
        if (got.prompt_eval_count or 0) + limit > context:
            raise InputError(
                f"a prompt of {got.prompt_eval_count} tokens (or more: Ollama cuts it there) and an answer of up to {limit} "
                f"do not fit a context of {context} tokens: raise context, or lower max_tokens"
            )
        seconds = ((got.prompt_eval_duration or 0) + (got.eval_duration or 0)) / NANOSECONDS
        return Reply(got.message.content or "", got.eval_count or 0, got.done_reason == "length", seconds)
