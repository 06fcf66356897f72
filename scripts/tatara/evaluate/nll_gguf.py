"""Likelihood of the reference answers by llama.cpp: a GGUF file."""

from pathlib import Path

from tatara.evaluate.nll import score, write_nll
from tatara.llama import gguf_model
from tatara.models import loading
from tatara.models.chat_template import Conversation


def nll_gguf(
    *,
    file: Path,
    base: Path,
    rows: list[dict],
    output: Path,
    name: str,
    model: str,
    conversation: Conversation,
    context: int,
    threads: int,
) -> dict:
    """Measure a GGUF file and return what the NLL file holds; prompts and ids come from the base's tokenizer.

    Args:
        rows: questions of the test set.
        name, model: of the evaluated model (`{model}_{fmt}`), and id of the model in the config.
        context: tokens of prompt and answer together.

    Raises:
        InputError: a question and its reference that do not fit the context.
    """
    loaded = gguf_model.load(file, context, threads, logits_all=True)
    questions = score(loading.load_tokenizer(base), rows, conversation, name, gguf_model.logits_of(loaded))
    return write_nll(output, name, model, questions)
