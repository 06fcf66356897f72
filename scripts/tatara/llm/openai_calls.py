"""One call of a server that speaks OpenAI's API: faults that pass are tried again, the others become errors that say
what to do. The key is in no message.
"""

import os
import re
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tatara.job.errors import InputError
from tatara.llm.retries import retrying

# How llama.cpp, OpenAI and vLLM say that a prompt is longer than the context.
TOO_LONG = re.compile(r"exceed_context_size_error|context_length_exceeded|maximum context length")
# llama.cpp's common/chat.cpp: the model, and no server in need, wrote what could not be read (half a character).
UNREADABLE = "The model produced output that does not match the expected"
PRINTABLE = re.compile(r"[!-~]+")
LONGEST = 300  # characters of a server's message that are repeated
Fields = TypeVar("Fields", bound=BaseModel)


class Unreadable(Exception):
    """The server could not read what its model wrote."""


def key_from(variable: str | None) -> str | None:
    """Return the key of a server from the environment, None where no variable is named.

    Raises:
        InputError: the variable is not set, or holds what cannot be sent as a key.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError(
            f"the environment variable {variable} is not set: it holds the key of the server (config key key_env names "
            "it); set it, or leave key_env out for a server without a key"
        )
    if not PRINTABLE.fullmatch(key):
        raise InputError(f"the environment variable {variable} holds white space or other than ASCII: no server's key")
    return key


def base_of(url: str) -> httpx.URL:
    """Return the address of a server.

    Raises:
        InputError: it is none, or holds a user, a password or a query, which would go into logs and results.
    """
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.userinfo or address.query or address.fragment or "@" in url:
        raise InputError(
            "the address of an OpenAI-compatible server holds a user, a password or a query, which would go into logs "
            "and results: give the address alone, and name the environment variable that holds the key under key_env"
        )
    if address.scheme not in ("http", "https") or not address.host:
        raise InputError(f"the address of an OpenAI-compatible server is {url!r}: give it as http://HOST:PORT/v1")
    return address


def _error_of(response: httpx.Response) -> dict:
    """Return what a server says of an error: `message`, and what else it tells."""
    try:
        content = response.json()
    except ValueError:
        return {"message": response.text}
    error = content.get("error", content) if isinstance(content, dict) else content
    if isinstance(error, dict):
        return error | {"message": str(error.get("message") or error.get("detail") or error)}
    return {"message": str(error)}


def _passes(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    # A reply that is no JSON or has other fields (a ValueError, as pydantic's is) comes from a server in need.
    return isinstance(error, httpx.TransportError | ValueError)


class Caller:
    """Calls one server.

    Args:
        url: its address, most often up to /v1.
        timeout: seconds that one request may take.
        key_env: environment variable that holds the key; None for a server without one.
        attempts: how often a request is tried that fails in passing.
    """

    def __init__(self, url: str, timeout: float, key_env: str | None, attempts: int):
        self.url, self.timeout, self.key_env, self.attempts = url, timeout, key_env, attempts
        self._key = key_from(key_env)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(base_url=base_of(url), timeout=timeout, headers=headers)

    def __call__(
        self, fields: type[Fields], method: str, path: str, body: dict | None = None, *, attempts: int | None = None
    ) -> Fields:
        """Return the fields of what the server answers.

        Raises:
            InputError: no server, no answer in time, a refusal, a reply with other fields.
            Unreadable: the server could not read what its model wrote.
        """
        attempts = attempts or self.attempts

        def request() -> Fields:
            response = self._client.request(method, path, json=body)
            if response.status_code == 500 and UNREADABLE in response.text:
                raise Unreadable
            return fields.model_validate(response.raise_for_status().json())

        try:
            return retrying(_passes, attempts)(request)
        except (httpx.TransportError, httpx.HTTPStatusError, ValueError) as error:
            raise InputError(self._explain(error, attempts)) from None

    def _explain(self, error: Exception, attempts: int) -> str:
        server = f"the server at {self.url}"
        if isinstance(error, httpx.TimeoutException):
            return f"{server} gave no answer within {self.timeout:g} s, several times; raise the timeout"
        if isinstance(error, httpx.TransportError):
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            return f"no server at {self.url} ({reason}): start it, or mend its address in the config (url)"
        if isinstance(error, httpx.HTTPStatusError):
            return self._explain_refusal(server, error.response)
        other = "a reply with other fields" if isinstance(error, ValidationError) else "no JSON"
        remedy = "config key url wants the address of an OpenAI-compatible server, most often one that ends in /v1"
        return f"{server} sent {other}, {attempts} times: {remedy}"

    def _explain_refusal(self, server: str, response: httpx.Response) -> str:
        status, error = response.status_code, _error_of(response)
        message = error["message"].replace(self._key, "(the key)") if self._key else error["message"]
        message = " ".join(message.split())[:LONGEST]
        told = f"(HTTP {status}: {message})"
        if status in (401, 403):
            if self.key_env:
                return f"{server} refuses the key in the environment variable {self.key_env} {told}: mend it"
            return f"{server} wants a key {told}: name the environment variable that holds it in the config (key_env)"
        if TOO_LONG.search(f"{error.get('type')} {error.get('code')} {message}"):
            return f"a prompt does not fit the context of {server} {told}: start it with a larger one (context)"
        if status == 404:
            return f"{server} knows no such path or model {told}: the address most often ends in /v1"
        if response.is_redirect:
            return f"{server} sends on to another address (HTTP {status}), where no key goes: name that one (url)"
        return f"{server} refused the request {told}"
