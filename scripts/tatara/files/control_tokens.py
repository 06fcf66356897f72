"""Control tokens of chat templates in texts, such as `<|im_end|>`: a tokenizer would take them for the end of a turn.

A short list of patterns, for what is read before any tokenizer is known; training checks against its own tokenizer.
"""

import re

from tatara.job.errors import Problem

_PATTERNS = (
    r"<\|[^<>|\n]{1,60}\|>",  # ChatML, Llama 3, Phi, harmony
    r"<｜[^<>｜\n]{1,60}｜>",  # DeepSeek, with full-width bars
    r"</?(?:start_of_turn|end_of_turn)>",  # Gemma
    r"\[/?INST\]",  # Llama 2, Mistral
    r"</?s>",
    r"<(?:bos|eos)>",
)
_TOKEN = re.compile("|".join(_PATTERNS))


def control_token(text: str) -> str | None:
    """Return the first control token in a text, or None."""
    match = _TOKEN.search(text)
    return match[0] if match else None


def as_plain_text(text: str) -> str:
    """Return a text in which no control token is spelled any more: a space stands after the first character of each.

    For what a model wrote, which is shown to another model: it cannot be refused, and must not end that one's turn.
    """
    return _TOKEN.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def token_problem(place: str, text: str) -> Problem | None:
    """Return what is wrong with a text that holds a control token, or None.

    Args:
        place: where the text stands, as a message begins, such as `nodes.csv:2: description`.
    """
    token = control_token(text)
    if token is None:
        return None
    reason = "a control token of chat templates, which would end a turn; remove or respell it"
    return Problem("texts with a control token", f"{place} holds {token}, {reason}")
