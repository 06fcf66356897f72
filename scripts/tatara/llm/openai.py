"""A server that speaks OpenAI's API, such as llama.cpp's llama-server, vLLM or LM Studio: what a model is, one chat."""

import logging
import time

from pydantic import BaseModel, Field

from tatara.job.errors import InputError
from tatara.llm.chat import Reply, check_model_holds
from tatara.llm.openai_calls import Caller, Unreadable
from tatara.llm.retries import ATTEMPTS

logger = logging.getLogger("tatara")
# What a server tells of a model and what stays the same when it is started again: not `created`, nor the ids of vLLM's
# permissions. llama.cpp tells more in `meta`, and vLLM the context in `max_model_len`.
TOLD = ("id", "owned_by", "root", "parent")
OF_THE_START = ("n_ctx",)  # of `meta`: how large a context the server was started with


class _Model(BaseModel, extra="allow"):
    id: str
    aliases: list[str] = []
    max_model_len: int | None = None
    meta: dict | None = None

    @property
    def context(self) -> int | None:
        meta = self.meta or {}
        return self.max_model_len or meta.get("n_ctx") or meta.get("n_ctx_train")


class _Models(BaseModel):
    data: list[_Model]


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class Server:
    """An OpenAI-compatible server (a ChatServer).

    Args:
        url: its address, up to the path that all requests begin with: http://127.0.0.1:8080/v1.
        timeout: seconds that one request may take.
        key_env: environment variable that holds the key; None for a server without one.

    Raises:
        InputError: that is no address, or it holds a user, a password or a query; the variable is not set.
    """

    def __init__(self, url: str, timeout: float, key_env: str | None = None, attempts: int = ATTEMPTS):
        self.url = url
        self._call = Caller(url, timeout, key_env, attempts)

    def identity(self, model: str, context: int | None = None) -> dict:
        """Return what the server tells of a model: its id, who it is of, and, from llama.cpp, sizes and format."""
        models = self._call(_Models, "GET", "models", attempts=1).data
        found = next((entry for entry in models if model in (entry.id, *entry.aliases)), None)
        if found is None:
            names = ", ".join(sorted(entry.id for entry in models)) or "none"
            raise InputError(f"the server at {self.url} has no model {model}: it has {names} (config key model)")
        check_model_holds(model, found.context, context)
        told = found.model_dump()
        meta = {key: value for key, value in (found.meta or {}).items() if key not in OF_THE_START}
        return {"model": model} | {key: told[key] for key in TOLD if told.get(key) is not None} | meta

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
    ) -> Reply:
        """Return one answer, empty where the server could not read what its model wrote.

        `top_p` is sent as 1; samplers that OpenAI's API does not name, such as top_k, are as the server was started.
        """
        body = {
            "model": model,
            "messages": messages,
            "max_tokens": limit,
            "temperature": temperature,
            "top_p": 1,
            "seed": seed,
            "stream": False,
        }
        if schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        start = time.monotonic()
        try:
            got = self._call(_Completion, "POST", "chat/completions", body)
        except Unreadable:
            logger.warning("%s could not read what %s wrote; it counts as an empty answer", self.url, model)
            return Reply("", None, True, time.monotonic() - start)
        usage, choice = got.usage or _Usage(), got.choices[0]
        if usage.prompt_tokens + limit > context:
            raise InputError(
                f"a prompt of {usage.prompt_tokens} tokens and an answer of up to {limit} do not fit a context of "
                f"{context} tokens: raise context, or lower max_tokens"
            )
        cut = choice.finish_reason == "length"
        return Reply(choice.message.content or "", usage.completion_tokens, cut, time.monotonic() - start)
