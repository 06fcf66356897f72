"""What makes a GGUF file a model of Ollama: the Modelfile with template, system prompt, stop tokens, parameters."""

import json
from dataclasses import dataclass
from pathlib import Path

from tatara.evaluate.ollama_template import ollama_template
from tatara.files.text import read_text
from tatara.job.errors import InputError
from tatara.llama import gguf_model
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


@dataclass(frozen=True)
class Recipe:
    """What makes a GGUF file a model of Ollama.

    Attributes:
        template: in Ollama's language.
        conversation: whose system prompt it has; `chat.Conversation`.
        parameters: Ollama's own names -> a value, or a list of values.
    """

    template: str
    conversation: Conversation
    parameters: dict[str, object]

    def modelfile(self, file: str) -> str:
        """Return the Modelfile of a GGUF file, which is named as seen from the Modelfile."""
        lines = [f"FROM {file}", f'TEMPLATE """{self.template}"""']
        system = self.conversation.system
        lines += [f'SYSTEM """{system}"""'] if system else []
        for name, value in self.parameters.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"PARAMETER {name} {json.dumps(item, ensure_ascii=False)}" for item in values]
        return "\n".join(lines) + "\n"


def adds_bos(file: Path) -> bool:
    """Return whether a GGUF file asks for BOS before every prompt."""
    vocabulary = gguf_model.load(file, 512, 1, vocab_only=True)
    ids = vocabulary.tokenize(b"a", add_bos=True, special=True)
    return ids[0] == vocabulary.token_bos() and len(ids) > len(vocabulary.tokenize(b"a", add_bos=False, special=True))


def recipe(
    *,
    base: Path,
    file: Path,
    model: str,
    own_template: Path | None,
    conversation: Conversation,
    limit: int,
    context: int,
) -> Recipe:
    """Return the recipe of a GGUF file.

    Args:
        base: the folder of the base model, for its tokenizer and chat template.
        model: id in the config.
        own_template: a file with the user's template in Ollama's language; None makes one of the model's own.
        conversation: how it was trained to be asked.
        limit, context: tokens of an answer, and of prompt and answer together.

    Raises:
        InputError: a chat template that has no counterpart, a system prompt that a Modelfile cannot hold.
    """
    if '"""' in conversation.system:
        raise InputError('config key chat.system holds """, which ends a text in a Modelfile: write other quotes')
    tokenizer = load_tokenizer(base)
    if own_template:
        template = read_text(own_template)
    else:
        template = ollama_template(tokenizer, conversation, adds_bos=adds_bos(file), model=model)
    stops = [tokenizer.convert_ids_to_tokens(token) for token in chat.stop_tokens(tokenizer, conversation)]
    # Greedy, as it was measured; the server's own defaults sample, and punish repetition.
    parameters = {"temperature": 0, "repeat_penalty": 1.0, "num_ctx": context, "num_predict": limit, "stop": stops}
    return Recipe(template, conversation, parameters)
