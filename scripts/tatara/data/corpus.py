"""The domain's text: the graph's, and paragraphs of the user's own corpus files, of which some are held out."""

import logging
from collections import Counter
from pathlib import Path

from tatara.data.graph_text import read_texts
from tatara.files.sample import evenly_spaced
from tatara.files.text import read_text

logger = logging.getLogger("tatara")


def corpus_texts(files: list[Path], min_chars: int) -> list[str]:
    """Return the paragraphs of the corpus files that are long enough; the log says how many are not.

    Raises:
        InputError: a file that is not UTF-8 (file and line).
    """
    paragraphs = [part.strip() for path in files for part in read_text(path).split("\n")]
    paragraphs = [part for part in paragraphs if part]
    kept = [part for part in paragraphs if len(part) >= min_chars]
    if len(kept) < len(paragraphs):
        short = len(paragraphs) - len(kept)
        logger.info(
            "%d of %d paragraphs of the corpus have fewer than %d characters", short, len(paragraphs), min_chars
        )
    return kept


def hold_out(texts: list[str], share: float) -> tuple[list[str], list[str]]:
    """Return the texts to train on and those to measure on, `share` of all, evenly spaced; no text is in both.

    Duplicate texts are not measured on.
    """
    chosen = set(evenly_spaced(list(range(len(texts))), round(share * len(texts))))
    count = Counter(texts)
    held = [text for index, text in enumerate(texts) if index in chosen and count[text] == 1]
    kept = [text for index, text in enumerate(texts) if index not in chosen or count[text] > 1]
    return kept, held


def domain_texts(
    nodes: Path | str,
    relations: Path | str,
    corpus: list[str],
    *,
    min_chars: int,
    held_out: float,
    pairs: Path | str | None = None,
) -> tuple[list[str], list[str]]:
    """Return the text to train on, the graph's first, and what of the corpus is measured on.

    Args:
        nodes, relations: the canonical graph; corpus: the user's text files.
        min_chars: shorter paragraphs are left out; held_out: share of the paragraphs.
        pairs: as `read_texts` takes them.
    """
    kept, held = hold_out(corpus_texts([Path(file) for file in corpus], min_chars), held_out)
    return read_texts(nodes, relations, pairs) + kept, held
