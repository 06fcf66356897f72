"""The text and the importance matrix that quantization is calibrated by."""

import logging
from pathlib import Path

from tatara.files.sample import evenly_spaced
from tatara.files.text import write_text
from tatara.llama import imatrix
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer

logger = logging.getLogger("tatara")


def calibrate(
    *,
    f16: Path,
    base: Path,
    rows: list[dict],
    pairs: int,
    text: Path,
    output: Path,
    conversation: Conversation,
    threads: int,
) -> None:
    """Write the calibration text and the importance matrix that it gives.

    The text is training pairs as the model was trained on them.

    Args:
        rows: the training subset, never the test set; `pairs` of them are taken, evenly spaced.
    """
    tokenizer = load_tokenizer(base)
    chosen = evenly_spaced(rows, pairs)
    texts = [(row["question"], row["answer"]) for row in chosen]
    write_text(text, (chat.conversation_text(tokenizer, *pair, conversation) for pair in texts))
    tokens = sum(len(chat.encode(tokenizer, *pair, conversation).input_ids) for pair in texts)
    logger.info("calibration: %d of %d training pairs, %d tokens", len(chosen), len(rows), tokens)
    imatrix.importance_matrix(f16, text, output, tokens, threads)
