"""A model's own chat template, filled in: conversations as text, the same on every day and in every engine."""

import datetime
from dataclasses import dataclass, field, replace

from jinja2.exceptions import TemplateError

from tatara.job.errors import InputError

_MARK = "\u2063\u2063"  # stands for an answer while the template is probed; no template contains it


@dataclass(frozen=True)
class Conversation:
    """How models are spoken to: the config section `chat`.

    Attributes:
        system: the system prompt; empty for none.
        template_options: values for the chat template, such as `enable_thinking: false`.
        date: the date (YYYY-MM-DD) that a template writes in place of today's; None refuses such a template.
        prompt: where an answer begins. `exact`: after the template's generation prompt, and a finished conversation
            must have the same tokens. `conversation`: where the template puts it in a finished conversation.
            `generation`: after the generation prompt, whatever a finished conversation looks like.
    """

    system: str = ""
    template_options: dict = field(default_factory=dict)
    date: str | None = None
    prompt: str = "exact"

    def __post_init__(self):
        try:
            datetime.date.fromisoformat(self.date or "2000-01-01")
        except ValueError:
            raise InputError(
                f"config key chat.date is {self.date!r}: expected a day of the calendar, such as '2026-01-01'"
            ) from None

    def with_system(self, system: str) -> "Conversation":
        """Return the same conversation under another system prompt."""
        return replace(self, system=system)


def _fill(tokenizer, messages: list[dict], conversation: Conversation, generate: bool) -> str:
    """Return messages in the model's own template.

    Raises:
        InputError: the template writes today's date, and no date is configured.
    """

    def strftime_now(pattern: str) -> str:
        if conversation.date is None:
            raise InputError(
                f"the chat template of {tokenizer.name_or_path} writes today's date, so that the model would be asked "
                "otherwise each day: name a fixed date in config key chat.date, such as '2026-01-01'"
            )
        return datetime.date.fromisoformat(conversation.date).strftime(pattern)

    options = conversation.template_options | {"strftime_now": strftime_now}
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate, **options)


def render(tokenizer, turns: list[dict], conversation: Conversation, generate: bool) -> str:
    """Return a conversation in the model's own template, with the beginning of the answer to come where `generate` is
    true. Where the template knows no system role, the system prompt stands before the first question.

    Raises:
        InputError: the tokenizer has no chat template, or one that writes today's date without a configured one.
    """
    if not tokenizer.chat_template:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path} has no chat template: Tatara trains on chats. "
            "Take an instruct model, or name a Jinja file in the model's config key chat_template"
        )
    system = conversation.system
    if not system:
        return _fill(tokenizer, turns, conversation, generate)
    try:
        text = _fill(tokenizer, [{"role": "system", "content": system}, *turns], conversation, generate)
        if system.strip() in text:  # some templates drop the role without a word
            return text
    except TemplateError:
        pass
    first = {"role": "user", "content": f"{system}\n\n{turns[0]['content']}"}
    return _fill(tokenizer, [first, *turns[1:]], conversation, generate)


def turns_of(question: str, *answer: str) -> list[dict]:
    """Return a question, and an answer where there is one, as the turns of a conversation."""
    return [{"role": "user", "content": question}, *({"role": "assistant", "content": text} for text in answer)]


def around(tokenizer, turns: list[dict], conversation: Conversation) -> tuple[str, str]:
    """Return what the template writes before and after the answer to the last question of a finished conversation."""
    finished = [*turns, {"role": "assistant", "content": _MARK}]
    text = render(tokenizer, finished, conversation, generate=False)
    before, _, after = text.rpartition(_MARK)
    return before, after


def generation_prompt(tokenizer, turns: list[dict], conversation: Conversation) -> str:
    """Return a conversation up to where the answer to its last question begins."""
    prompt = render(tokenizer, turns, conversation, generate=True)
    if conversation.prompt != "conversation":
        return prompt
    before, _ = around(tokenizer, turns, conversation)
    # White space before an answer is the answer's: tokenizers join a space to the word after it.
    return prompt if before.startswith(prompt) and not before[len(prompt) :].strip() else before.rstrip(" ")


def prompt_text(tokenizer, question: str, conversation: Conversation) -> str:
    """Return the prompt of one question up to where the answer begins."""
    return generation_prompt(tokenizer, turns_of(question), conversation)
