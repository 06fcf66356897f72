"""The check of a deployed model, without a server: how far two answers can be compared, and what counts as a tie."""

import numpy
import pytest
from tatara.evaluate import deploy
from tatara.evaluate.modelfile import Recipe
from tatara.llm.chat import Reply
from tatara.models.chat_template import Conversation

BANK = "堤".encode()
PIECES = [b"a", b"b", BANK[:1], BANK[1:], b"\xff", b""]
TEXTS = ["a", "b", "", "", "", ""]
A, B, HEAD, TAIL, BROKEN, END = range(6)


def reply(*pieces: str, cut: bool = False) -> Reply:
    return Reply("".join(pieces), None if cut else len(pieces) + 1, cut, 0.1, pieces)


@pytest.mark.parametrize(
    ("expected", "answered", "count", "texts"),
    [
        ([A, B, END], reply("a", "b"), 2, ["a", "b"]),
        ([A, B, END], reply("a", "b", "b"), 2, ["a", "b", "b"]),  # the whole answer, so its end as well
        ([A, HEAD, TAIL, B], reply("a", "\ufffd", "\ufffd", "b"), 4, ["a", "", "", "b"]),
        ([A, BROKEN, B, END], reply("a", "b"), 1, ["a"]),  # Ollama leaves broken bytes out
        ([A, A, A, A], reply("a", "a", cut=True), 2, ["a", "a"]),  # the server broke off a loop
    ],
)
def test_how_far_answers_can_be_compared(expected, answered, count, texts):
    assert deploy._comparable(expected, PIECES, [END], answered) == (count, texts)


def test_the_margin_is_between_the_two_tokens_or_the_end():
    logits = numpy.array([[5.0, 4.75, 0, 0, 0, 1.0]])
    assert deploy._margin(logits, TEXTS, [A], ["b"], 0, [END]) == 0.25
    assert deploy._margin(logits, TEXTS, [A], [], 0, [END]) == 4.0
    assert deploy._margin(logits, TEXTS, [A], ["c"], 0, [END]) == float("inf"), "no token has this text"


def test_answers_may_have_parted_at_tokens_without_a_text():
    """Halves of characters look alike: the least margin back to the last token that has a text counts."""
    logits = numpy.array([[9.0, 0, 0, 0, 0, 0], [0, 0, 6.0, 0, 5.5, 0], [0, 3.0, 0, 0, 0, 0]])
    assert deploy._margin(logits, TEXTS, [A, HEAD, B], ["a", "", "a"], 2, [END]) == 0.5


def test_the_modelfile_holds_template_system_prompt_and_every_stop_token():
    recipe = Recipe("{{ .Prompt }}", Conversation("技術者"), {"temperature": 0, "stop": ["<|end|>", '"']})
    assert recipe.modelfile("../x.gguf").splitlines() == [
        "FROM ../x.gguf",
        'TEMPLATE """{{ .Prompt }}"""',
        'SYSTEM """技術者"""',
        "PARAMETER temperature 0",
        'PARAMETER stop "<|end|>"',
        'PARAMETER stop "\\""',
    ]
    assert "SYSTEM" not in Recipe("{{ .Prompt }}", Conversation(""), {}).modelfile("x.gguf")
