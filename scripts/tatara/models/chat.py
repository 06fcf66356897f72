"""The only place where a prompt is built: training, NLL and every engine ask here.

A prompt is the model's own chat template with the system prompt and the question. It is rendered to text once and
tokenized without further special tokens, since the templates write BOS themselves (double BOS is a known trap). The
answer is tokenized apart from the prompt, as it is when a model generates it, and closed by the token that ends a turn.
"""

from dataclasses import dataclass

from jinja2.exceptions import TemplateError

from tatara.job.errors import InputError

IGNORED = -100  # the label that cross-entropy leaves out (torch's default ignore_index)
_MARK = "\u2063\u2063"  # stands for an answer while the template is probed; no template contains it


@dataclass(frozen=True)
class Encoded:
    """A question and its answer as token ids.

    Attributes:
        input_ids: prompt and answer tokens, the end-of-turn token last.
        prompt_tokens: how many of them belong to the prompt; the others carry the loss (paper eq. 4).
    """

    input_ids: list[int]
    prompt_tokens: int

    @property
    def labels(self) -> list[int]:
        return [IGNORED] * self.prompt_tokens + self.input_ids[self.prompt_tokens :]


def render(tokenizer, turns: list[dict], system: str, generate: bool) -> str:
    """Return a conversation in the model's own template, with the beginning of the answer to come where `generate` is
    true.
    """
    messages = ([{"role": "system", "content": system}] if system else []) + turns
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generate)
    except TemplateError:
        if not system:
            raise
        # A template that knows no system role takes the system prompt before the question.
        first = {"role": "user", "content": f"{system}\n\n{turns[0]['content']}"}
        return tokenizer.apply_chat_template([first, *turns[1:]], tokenize=False, add_generation_prompt=generate)


def prompt_text(tokenizer, question: str, system: str) -> str:
    """Return the prompt up to where the answer begins.

    Raises:
        InputError: the tokenizer has no chat template.
    """
    if not tokenizer.chat_template:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path} has no chat template: Tatara trains on chats. "
            "Take an instruct model, or add a chat_template.jinja to the model's folder"
        )
    return render(tokenizer, [{"role": "user", "content": question}], system, generate=True)


def end_of_turn(tokenizer) -> int:
    """Return the id of the token that ends the assistant's turn in the model's own template (`<|eot_id|>`,
    `<|im_end|>`, `</s>`).
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _MARK}]
    tail = render(tokenizer, turns, "", generate=False).rsplit(_MARK, 1)[1]
    for token in tokenizer(tail, add_special_tokens=False)["input_ids"]:
        if token in tokenizer.all_special_ids or token in tokenizer.added_tokens_decoder:
            return token
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"the chat template of {tokenizer.name_or_path} ends a turn with no special token, and there is no EOS "
            "token"
        )
    return tokenizer.eos_token_id


def stop_tokens(tokenizer) -> list[int]:
    """Return the ids that end an answer: the end of a turn and EOS."""
    return sorted({end_of_turn(tokenizer), tokenizer.eos_token_id} - {None})


def encode_text(tokenizer, text: str) -> list[int]:
    """Tokenize text that already holds every special token it needs."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def encode_prompt(tokenizer, question: str, system: str) -> list[int]:
    """Return the prompt's token ids.

    Raises:
        InputError: the prompt begins with two BOS tokens.
    """
    ids = encode_text(tokenizer, prompt_text(tokenizer, question, system))
    if tokenizer.bos_token_id is not None and ids[:2] == [tokenizer.bos_token_id] * 2:
        raise InputError(
            f"the prompt of {tokenizer.name_or_path} begins with two BOS tokens: its chat template and its tokenizer "
            "both add one"
        )
    return ids


def encode(tokenizer, question: str, answer: str, system: str) -> Encoded:
    """Return prompt and answer as token ids, the answer closed by the end-of-turn token."""
    prompt = encode_prompt(tokenizer, question, system)
    return Encoded(prompt + encode_text(tokenizer, answer) + [end_of_turn(tokenizer)], len(prompt))


def conversation_text(tokenizer, question: str, answer: str, system: str) -> str:
    """Return prompt and answer as text with every special token written out, the end of the turn last; for tools that
    tokenize by themselves.
    """
    return prompt_text(tokenizer, question, system) + answer + tokenizer.convert_ids_to_tokens(end_of_turn(tokenizer))


def decode_answer(tokenizer, ids: list[int]) -> str:
    """Return the text of generated ids without special tokens."""
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
