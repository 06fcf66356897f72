"""The text and the importance matrix that quantization is calibrated by."""

import logging
from pathlib import Path

from tatara.files.sample import evenly_spaced
from tatara.files.text import write_text
from tatara.llama import imatrix
from tatara.models import chat, loading

logger = logging.getLogger("tatara")


def calibrate(
    *, f16: Path, base: Path, rows: list[dict], pairs: int, text: Path, output: Path, system: str, threads: int
) -> None:
    """Write the calibration text and the importance matrix that it gives.

    The text is training pairs as the model was trained on them.

    Args:
        rows: the training subset, never the test set; `pairs` of them are taken, evenly spaced.
    """
    tokenizer = loading.load_tokenizer(base)
    chosen = evenly_spaced(rows, pairs)
    write_text(text, (chat.conversation_text(tokenizer, row["question"], row["answer"], system) for row in chosen))
    tokens = sum(len(chat.encode(tokenizer, row["question"], row["answer"], system).input_ids) for row in chosen)
    logger.info("calibration: %d of %d training pairs, %d tokens", len(chosen), len(rows), tokens)
    imatrix.importance_matrix(f16, text, output, tokens, threads)
