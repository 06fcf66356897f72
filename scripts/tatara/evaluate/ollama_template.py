"""A model's chat template as a template of Ollama (Go's text/template).

It is made by asking the model's own template what it writes around each turn.
"""

import json
from dataclasses import asdict, dataclass, replace

from jinja2.exceptions import TemplateError

from tatara.job.errors import InputError
from tatara.models.chat_template import Conversation, generation_prompt

# Stand for contents; no template contains them.
SYSTEM, USER, ASSISTANT, LAST_USER = (f"\u2063{letter}\u2063" for letter in "suav")


@dataclass(frozen=True)
class Frame:
    """What a template writes around the turns of a conversation.

    Attributes:
        before_user: at the very beginning, without a system prompt.
        before_system, after_system: around the system prompt; what begins the first question belongs to the latter.
        after_user: what ends a question and begins an answer that was given.
        after_last_user: what ends the last question and begins the answer to come.
        after_assistant: what ends an answer and begins the next question.
    """

    before_user: str
    before_system: str
    after_system: str
    after_user: str
    after_last_user: str
    after_assistant: str

    def render(self, messages: list[dict]) -> str:
        """Return the prompt of a conversation, as Ollama builds it from `go_template`."""
        text = ""
        for number, message in enumerate(messages):
            before = {"system": self.before_system, "user": "" if number else self.before_user, "assistant": ""}
            last = number == len(messages) - 1
            after = {
                "system": self.after_system,
                "user": self.after_last_user if last else self.after_user,
                "assistant": "" if last else self.after_assistant,
            }
            text += before[message["role"]] + message["content"] + after[message["role"]]
        return text

    def without_bos(self, bos: str) -> "Frame":
        """Return the frame for a server that puts BOS before every prompt by itself."""
        return replace(
            self, before_user=self.before_user.removeprefix(bos), before_system=self.before_system.removeprefix(bos)
        )

    def go_template(self) -> str:
        """Return Ollama's template; what stands around the turns are Go strings, so that no white space is lost."""
        written = {
            name: f"{{{{ {json.dumps(piece, ensure_ascii=False)} }}}}" if piece else ""
            for name, piece in asdict(self).items()
        }
        followed = "{{ if gt (len (slice $.Messages $i)) 1 }}"
        after_user, after_assistant = written["after_user"], written["after_assistant"]
        if self.after_user != self.after_last_user:
            after_user = followed + after_user + "{{ else }}" + written["after_last_user"] + "{{ end }}"
        first = "{{ if eq $i 0 }}" + written["before_user"] + "{{ end }}"
        system = written["before_system"] + "{{ .Content }}" + written["after_system"]
        return "\n".join(
            [
                "{{- range $i, $_ := .Messages }}",
                '{{- if eq .Role "system" }}' + system,
                '{{- else if eq .Role "user" }}' + first + "{{ .Content }}" + after_user,
                '{{- else if eq .Role "assistant" }}{{ .Content }}' + followed + after_assistant + "{{ end }}",
                "{{- end }}{{ end }}",
            ]
        )


def _between(text: str, *marks: str) -> list[str]:
    """Return the pieces of a text around marks that stand in it once each, in this order."""
    pieces = []
    for mark in marks:
        if text.count(mark) != 1:
            raise ValueError
        piece, text = text.split(mark)
        pieces.append(piece)
    return [*pieces, text]


def _turns(*contents: str) -> list[dict]:
    return [{"role": ("user", "assistant")[number % 2], "content": content} for number, content in enumerate(contents)]


def frame_of(tokenizer, conversation: Conversation) -> Frame | None:
    """Return what the tokenizer's chat template writes around turns; None where it does more than that.

    Raises:
        InputError: the template writes today's date, and config key chat.date names none.
    """

    def prompt(system: str, *contents: str) -> str:
        return generation_prompt(tokenizer, _turns(*contents), conversation.with_system(system))

    try:
        before_user, after_last_user = _between(prompt("", USER), USER)
        before_system, after_system, _ = _between(prompt(SYSTEM, USER), SYSTEM, USER)
        _, after_user, after_assistant, _ = _between(prompt("", USER, ASSISTANT, LAST_USER), USER, ASSISTANT, LAST_USER)
        frame = Frame(before_user, before_system, after_system, after_user, after_last_user, after_assistant)
        for system in ("", "あなたは技術者です。\n答えよ。"):
            for contents in (
                ("堤防とは何か。",),
                ("堤防とは\n何か。", "土の\n\n構造物。", "護岸は?"),
                ("1", "2", "3", "4", "5"),
            ):
                messages = ([{"role": "system", "content": system}] if system else []) + _turns(*contents)
                if frame.render(messages) != prompt(system, *contents):
                    return None
    except InputError:
        raise
    except (ValueError, TemplateError):
        return None
    return frame


def ollama_template(tokenizer, conversation: Conversation, *, adds_bos: bool, model: str) -> str:
    """Return the model's chat template as Ollama's.

    Args:
        conversation: how the model was trained to be asked.
        adds_bos: whether the GGUF file asks for BOS before every prompt; the template then leaves it out.
        model: id in the config, for the message.

    Raises:
        InputError: the model's template does more than write fixed text around each turn.
    """
    frame = frame_of(tokenizer, conversation)
    if frame is None:
        raise InputError(
            f"the chat template of the model {model} does more than write fixed text around each turn, so none for "
            "Ollama can be made of it. Write one in Ollama's template language into a file, and name it in config key "
            f"models.{model}.ollama_template; the rule `ollama_create` then checks it against the model's own, token "
            "by token"
        )
    return (frame.without_bos(tokenizer.bos_token) if adds_bos and tokenizer.bos_token else frame).go_template()
