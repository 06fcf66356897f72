"""One call of an Ollama server: faults that pass are tried again, the others become errors that say what to do."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from pydantic import ValidationError

from tatara.job.errors import InputError
from tatara.llm.retries import ATTEMPTS, retrying

try:
    import ollama  # makes a client of OLLAMA_HOST at once
except ValueError as error:
    raise InputError(
        f"environment variable OLLAMA_HOST is {os.environ.get('OLLAMA_HOST')!r}, no address of a server ({error}): "
        "give it as http://HOST:PORT"
    ) from None


def _passes(error: BaseException) -> bool:
    if isinstance(error, ollama.ResponseError):
        return error.status_code >= 500
    # A reply that is no JSON or not Ollama's (a ValueError, as pydantic's is) comes from a server or a proxy in need.
    return isinstance(error, ConnectionError | httpx.TransportError | ValueError)


@dataclass(frozen=True)
class Caller:
    """Calls one server.

    Attributes:
        url: address of the server, for messages.
        timeout: seconds that one request may take, for messages.
        attempts: how often a request is tried that fails in passing.
    """

    url: str
    timeout: float
    attempts: int = ATTEMPTS

    def __call__(self, function: Callable, *, attempts: int | None = None, **arguments):
        """Return what the function returns.

        Raises:
            InputError: no server, no answer in time, a refusal, a reply that is not Ollama's.
        """
        attempts = attempts or self.attempts
        try:
            return retrying(_passes, attempts)(function, **arguments)
        except (ConnectionError, httpx.TransportError, ollama.ResponseError, ValueError) as error:
            raise InputError(self._explain(error, attempts, arguments.get("model"))) from None

    def _explain(self, error: Exception, attempts: int, model: str | None) -> str:
        server = f"Ollama at {self.url}"
        if isinstance(error, httpx.TimeoutException):
            return f"{server} gave no answer within {self.timeout:g} s, several times; raise the timeout"
        if isinstance(error, ConnectionError | httpx.TransportError):
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            remedy = "start it with `ollama serve`, or name its address in the config (url) or in OLLAMA_HOST"
            return f"no Ollama server at {self.url} ({reason}): {remedy}"
        if isinstance(error, ollama.ResponseError):
            if error.status_code == 404 and model:
                return f"{server} has no model {model}: run `ollama pull {model}`"
            if "no space left" in error.error:
                remedy = "free some of it, or set OLLAMA_MODELS for the server to a folder elsewhere"
                return f"the disk of {server} is full ({error.error}): {remedy}"
            return f"{server} refused the request (HTTP {error.status_code}): {error.error}"
        reply = "a reply with other fields" if isinstance(error, ValidationError) else "no JSON"
        broken = "is not Ollama, or something in between is broken"
        return f"what answers at {self.url} {broken}: it sent {reply}, {attempts} times"
