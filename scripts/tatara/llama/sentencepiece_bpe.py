"""BPE tokenizers of the SentencePiece kind (Gemma, Llama 2, Mistral) as llama.cpp's vocabulary `llama`.

A tokenizer.json lists merges in their order, llama.cpp merges first what has the highest score: a token's score is
minus the place of the first merge that makes it.
"""

import json
from collections.abc import Callable

import gguf
from tokenizers import Tokenizer

from tatara.llama.vocabulary import Vocabulary, pieces, switches


def is_sentencepiece_bpe(tokenizer: dict) -> bool:
    """Return whether a tokenizer.json merges characters, and writes what it does not know as bytes."""
    return tokenizer["model"]["type"] == "BPE" and bool(tokenizer["model"].get("byte_fallback"))


def sentencepiece_bpe(tokenizer: dict, size: int, looks_special: Callable[[str], bool]) -> Vocabulary:
    """Return the vocabulary of such a tokenizer.json, filled up to `size` tokens.

    Args:
        looks_special: as in `vocabulary.pieces`.

    Raises:
        NotImplementedError: what llama.cpp cannot do; the message says what.
    """
    model = tokenizer["model"]
    prefix, _ = switches(Tokenizer.from_str(json.dumps(tokenizer)), may_merge=False)
    first: dict[str, int] = {}
    for place, merge in enumerate(model["merges"]):
        first.setdefault("".join(merge.split(" ") if isinstance(merge, str) else merge), place)
    known = {index: text for text, index in model["vocab"].items()}
    tokens, scores, types = [], [], []
    for _, text, kind in pieces(
        tokenizer, known, size, looks_special, made=lambda text: len(text) == 1 or text in first
    ):
        tokens.append(text)
        scores.append(-float(first.get(text, len(model["merges"]))))
        types.append(gguf.TokenType.UNKNOWN if text == model["unk_token"] else kind)
    return Vocabulary("llama", tokens, scores, types, prefix)
