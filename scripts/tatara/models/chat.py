"""The only place where a conversation becomes tokens: training, likelihoods and every engine ask here.

A prompt is the model's own chat template with the system prompt and the question, rendered to text and tokenized once,
without further special tokens, since the templates write BOS themselves. What is trained is the template's own
rendering of question and answer, token by token: its first tokens are the prompt's, the others carry the loss.
"""

import functools
from dataclasses import dataclass

from tatara.job.errors import InputError
from tatara.models.chat_template import Conversation, around, prompt_text, render, turns_of
from tatara.models.differences import first_difference

IGNORED = -100  # the label that cross-entropy leaves out (torch's default ignore_index)


@dataclass(frozen=True)
class Encoded:
    """A question and its answer as token ids.

    Attributes:
        input_ids: prompt and answer tokens, the end-of-turn token last.
        prompt_tokens: how many of them belong to the prompt; the others carry the loss (paper eq. 4).
        exact: whether they are the tokens of the template's own rendering.
    """

    input_ids: list[int]
    prompt_tokens: int
    exact: bool = True

    @property
    def labels(self) -> list[int]:
        return [IGNORED] * self.prompt_tokens + self.input_ids[self.prompt_tokens :]


@functools.lru_cache(maxsize=4)
def _added_tokens(tokenizer) -> tuple[frozenset[int], frozenset[int]]:
    """Return the ids of control tokens, and those of all tokens that were added to the vocabulary."""
    added = tokenizer.added_tokens_decoder
    control = {token for token, content in added.items() if content.special} | set(tokenizer.all_special_ids)
    return frozenset(control), frozenset(added)


def _end_of_turn(tokenizer, after: str) -> int:
    ids = encode_text(tokenizer, after)
    for known in _added_tokens(tokenizer):
        for token in ids:
            if token in known:
                return token
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"the chat template of {tokenizer.name_or_path} ends a turn with no special token, and there is no EOS "
            "token"
        )
    return tokenizer.eos_token_id


def end_of_turn(tokenizer, conversation: Conversation) -> int:
    """Return the id of the token that ends the assistant's turn in the model's own template (`<|eot_id|>`,
    `<|im_end|>`, `</s>`); EOS where the template writes none.
    """
    return _end_of_turn(tokenizer, around(tokenizer, turns_of("?"), conversation)[1])


def stop_tokens(tokenizer, conversation: Conversation) -> list[int]:
    """Return the ids that end an answer: the end of a turn and EOS."""
    return sorted({end_of_turn(tokenizer, conversation), tokenizer.eos_token_id} - {None})


def encode_text(tokenizer, text: str) -> list[int]:
    """Tokenize text that already holds every special token it needs."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def check_text(tokenizer, text: str, name: str) -> None:
    """Refuse a user's text that spells a control token: it would become that token, in every engine.

    Args:
        name: what the text is, for the message.

    Raises:
        InputError: the text spells a control token of the tokenizer.
    """
    control, _ = _added_tokens(tokenizer)
    for token in control.intersection(encode_text(tokenizer, text)):
        spelling = tokenizer.convert_ids_to_tokens(token)
        if token != tokenizer.unk_token_id or spelling in text:  # an unknown character spells nothing
            raise InputError(
                f"{name} spells {spelling!r}, a control token of {tokenizer.name_or_path}, which would steer the "
                "model: write it otherwise, with a space inside for example"
            )


def encode_prompt(tokenizer, question: str, conversation: Conversation, name: str = "") -> list[int]:
    """Return the prompt's token ids.

    Args:
        name: what the question belongs to, for messages.

    Raises:
        InputError: the prompt begins with two BOS tokens, or the system prompt or the question spells a control token.
    """
    check_text(tokenizer, conversation.system, "config key chat.system")
    check_text(tokenizer, question, f"{name or repr(question)}: the question")
    ids = encode_text(tokenizer, prompt_text(tokenizer, question, conversation))
    if tokenizer.bos_token_id is not None and ids[:2] == [tokenizer.bos_token_id] * 2:
        raise InputError(
            f"the prompt of {tokenizer.name_or_path} begins with two BOS tokens: its chat template and its tokenizer "
            "both add one; take one of the two out of a copy of the model's folder"
        )
    return ids


def _difference(tokenizer, trained: list[int], rendered: list[int], name: str) -> str:
    """Return the message for a pair whose trained tokens are not those of the template's own rendering."""
    place = first_difference(trained, rendered)

    def describe(ids: list[int]) -> str:
        text = tokenizer.decode(ids[place : place + 8]).strip("\ufffd")  # tokens of parts of characters
        return f"{ids[place]} ({text!r} …)" if place < len(ids) else "nothing more"

    return (
        f"{name}: the chat template of {tokenizer.name_or_path} writes this conversation with other tokens than would "
        f"be trained: token {place} is {describe(rendered)} in its rendering and {describe(trained)} in training. "
        "Name in config key chat.template_options what the template shall write (Qwen3: enable_thinking: false), or "
        "set chat.prompt to conversation, so that an answer begins where the template puts it, or to generation to "
        "train it all the same"
    )


def _parts(tokenizer, question: str, answer: str, conversation: Conversation) -> tuple[str, str, int, str]:
    """Return prompt, answer and end of turn as they are trained, and the template's own rendering up to that end.

    The rendering is prompt and answer where the template is followed exactly. A template may trim an answer or put
    white space around it: so do the models that were made with it, and so does the answer here.
    """
    prompt = prompt_text(tokenizer, question, conversation)
    _, after = around(tokenizer, turns_of(question), conversation)
    end = _end_of_turn(tokenizer, after)
    ending = tokenizer.convert_ids_to_tokens(end)
    rendered = render(tokenizer, turns_of(question, answer), conversation, generate=False).removesuffix(after)
    rendered += after.partition(ending)[0] if ending in after else ""
    if rendered.startswith(prompt) and rendered[len(prompt) :].strip() == answer.strip():
        return prompt, rendered[len(prompt) :], end, rendered
    return prompt, answer, end, rendered


def rendered_tokens(tokenizer, question: str, answer: str, conversation: Conversation) -> list[int]:
    """Return the tokens of the template's own rendering of question and answer, up to the end of the turn."""
    _, _, end, rendered = _parts(tokenizer, question, answer, conversation)
    return [*encode_text(tokenizer, rendered), end]


def encode(tokenizer, question: str, answer: str, conversation: Conversation, name: str = "") -> Encoded:
    """Return prompt and answer as token ids, the answer closed by the end-of-turn token.

    Args:
        name: what question and answer belong to, for messages.

    Raises:
        InputError: a text spells a control token; or the template's own rendering has other tokens, and config key
            chat.prompt is not `generation`.
    """
    prompt = encode_prompt(tokenizer, question, conversation, name)
    check_text(tokenizer, answer, f"{name or repr(question)}: the answer")
    text, spoken, end, rendered = _parts(tokenizer, question, answer, conversation)
    expected, ids = encode_text(tokenizer, rendered), encode_text(tokenizer, text + spoken)
    if ids[: len(prompt)] != prompt:
        # The prompt's end and the answer's beginning are one token, which no model that is asked ever sees.
        ids = prompt + encode_text(tokenizer, spoken)
    if ids != expected and conversation.prompt != "generation":
        raise InputError(_difference(tokenizer, ids, expected, name or repr(question)))
    return Encoded([*ids, end], len(prompt), ids == expected)


def leading_space(tokenizer, conversation: Conversation) -> str:
    """Return the white space that the template writes between the prompt and an answer; mostly none."""
    prompt = prompt_text(tokenizer, "?", conversation)
    before, _ = around(tokenizer, turns_of("?"), conversation)
    space = before.removeprefix(prompt)
    return space if before.startswith(prompt) and not space.strip() else ""


def encode_options(
    tokenizer, question: str, options: list[str], conversation: Conversation, space: str = "", name: str = ""
) -> tuple[list[int], list[list[int]]]:
    """Return a prompt's token ids and those of each option as the beginning of its answer, without an end of turn.

    Args:
        space: what stands before an answer (`leading_space`).
        name: what the question belongs to, for messages.

    Raises:
        InputError: a text that spells a control token.
    """
    prompt = encode_prompt(tokenizer, question, conversation, name)
    text, encoded = prompt_text(tokenizer, question, conversation), []
    for option in options:
        check_text(tokenizer, option, f"{name or repr(question)}: an option")
        ids = encode_text(tokenizer, text + space + option)
        joined = ids[: len(prompt)] != prompt  # the prompt's end and the option's beginning are one token
        encoded.append(encode_text(tokenizer, space + option) if joined else ids[len(prompt) :])
    return prompt, encoded


def conversation_text(tokenizer, question: str, answer: str, conversation: Conversation) -> str:
    """Return prompt and answer as text with every special token written out, the end of the turn last; for tools that
    tokenize by themselves.
    """
    prompt, spoken, end, _ = _parts(tokenizer, question, answer, conversation)
    return prompt + spoken + tokenizer.convert_ids_to_tokens(end)


def decode_answer(tokenizer, ids: list[int]) -> str:
    """Return the text of generated ids without special tokens."""
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
