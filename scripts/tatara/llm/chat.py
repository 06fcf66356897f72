"""What every client of language models offers: which model a name stands for, and one chat."""

from dataclasses import dataclass
from typing import Protocol

from tatara.job.errors import InputError


@dataclass(frozen=True)
class Reply:
    """What a chat returned.

    Attributes:
        text: the answer.
        tokens: generated tokens, the end of the turn among them; None where the server did not say.
        cut: whether the answer has no end of its own: the limit was reached, or the server broke it off.
        seconds: reading the prompt and generating, by the server's own clock where it has one, loading the model left
            out; else what the request took.
        pieces: the text of each token, where asked for; bytes that are no whole character are U+FFFD.
    """

    text: str
    tokens: int | None
    cut: bool
    seconds: float
    pieces: tuple[str, ...] = ()


class ChatServer(Protocol):
    """A server of language models, of whichever kind."""

    def identity(self, model: str, context: int | None = None) -> dict:
        """Return which model the name stands for; another model has another identity.

        Args:
            context: tokens that it will be asked to hold.

        Raises:
            InputError: no server, no such model, or a context beyond the model's own.
        """

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
        """Return one answer.

        Args:
            messages: `role` and `content` each.
            limit: most tokens to generate.
            context: tokens of prompt and answer together.
            schema: JSON schema that the answer is held to.

        Raises:
            InputError: no server, no such model, no answer in time, or a prompt that does not fit the context beside
                the answer.
        """


def check_model_holds(model: str, known: int | None, context: int | None) -> None:
    """Check that a model can hold the context that is asked for.

    Args:
        known: tokens of context that the server tells, None where it does not.

    Raises:
        InputError: it cannot.
    """
    if context and known and context > known:
        # A server would take the smaller one and cut what does not fit, without a word.
        raise InputError(
            f"the model {model} holds {known} tokens of context, and {context} are asked for: lower context, or "
            "take another model"
        )
