"""Likelihood of the reference answers and of the probe's options by llama.cpp: a GGUF file."""

from pathlib import Path

from tatara.evaluate.nll import score, write_nll
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_gguf import cells_of, llama_score
from tatara.files.probe_file import write_probe
from tatara.llama import gguf_model
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


def nll_gguf(
    *,
    file: Path,
    base: Path,
    rows: list[dict],
    items: list[dict],
    output: Path,
    probe: Path,
    name: str,
    model: str,
    conversation: Conversation,
    context: int,
    threads: int,
) -> dict:
    """Measure a GGUF file and return what the NLL file holds; prompts and ids come from the base's tokenizer.

    Args:
        rows: questions of the test set; items: of the probe.
        output, probe: the NLL file and the probe file to write.
        name, model: of the evaluated model (`{model}_{fmt}`), and id of the model in the config.
        context: tokens of prompt and answer together.

    Raises:
        InputError: a question and its reference that do not fit the context.
    """
    tokenizer = load_tokenizer(base)
    encoded = Probe(tokenizer, items, conversation)
    loaded = gguf_model.load(file, context, threads, more=cells_of(encoded))
    questions = score(tokenizer, rows, conversation, name, gguf_model.pieces_of(loaded))
    write_probe(probe, encoded.rows(name, llama_score(loaded, encoded.longest)))
    return write_nll(output, name, model, questions, file=file)
