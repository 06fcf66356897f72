"""Unigram tokenizers as llama.cpp's vocabulary `t5`, those with byte fallback among them.

llama.cpp finds the same pieces as SentencePiece, but knows no byte fallback (llama.cpp issue 28862): a character
without a token becomes one unknown token, where the tokenizer writes its bytes. A token cannot be both what such a byte
is read as and the byte itself when it is written:

- BYTE_FALLBACK `answers`: the tokens are of type byte. What a model writes is right; such a character in a prompt is
  read as unknown.
- `prompts`: the tokens are normal ones with the text <0xE9>, and replacements bring every character without a token
  into this form. Any text has the tokenizer's own ids; where a model writes such a character, <0xE9><0x96><0x98> shows.
"""

import base64
import json
from collections.abc import Callable

import gguf
from tokenizers import Tokenizer

from tatara.llama.charsmap import charsmap
from tatara.llama.vocabulary import SPACE, Vocabulary, pieces, switches

BYTE_FALLBACK = ("answers", "prompts")
# Spaces are replaced here rather than by llama.cpp's own step, which puts no space before a text of spaces alone.
SPACES = {b" ": SPACE.encode()}


def _precompiled(normalizer: dict | None) -> bytes:
    """Return the replacements that a tokenizer.json brings along, empty where it has none."""
    for step in (normalizer or {}).get("normalizers", [normalizer] if normalizer else []):
        if step["type"] == "Precompiled":
            return base64.b64decode(step["precompiled_charsmap"])
    return b""


def bytes_as_text(tokens: list[str]) -> dict[bytes, bytes]:
    """Return replacements that bring each byte of a character which none of the tokens holds into the form <0xE9>.

    Args:
        tokens: those of text, without control tokens and bytes.
    """
    byte_tokens = [f"<0x{value:02X}>".encode() for value in range(256)]
    letters = {letter.encode() for token in tokens for letter in token}
    single = {bytes([value]): byte_tokens[value] for value in range(1, 256)}
    # Such text in a prompt is a byte to the tokenizer as well.
    written = {token: token for token in byte_tokens}
    space = SPACE.encode()
    if space not in letters:
        space = b"".join(byte_tokens[value] for value in space)
    return single | {letter: letter for letter in letters} | written | {b" ": space}


def unigram(tokenizer: dict, size: int, byte_fallback: str, looks_special: Callable[[str], bool]) -> Vocabulary:
    """Return the vocabulary of a Unigram tokenizer.json, filled up to `size` tokens.

    Args:
        byte_fallback: one of BYTE_FALLBACK.
        looks_special: as in `vocabulary.pieces`.

    Raises:
        NotImplementedError: what llama.cpp cannot do; the message says what.
    """
    model = tokenizer["model"]
    own = _precompiled(tokenizer["normalizer"])
    prefix, merge = switches(Tokenizer.from_str(json.dumps(tokenizer)), may_merge=True, charsmap=own)
    known = {index: piece for index, (piece, _) in enumerate(model["vocab"])}
    as_text = bool(model.get("byte_fallback")) and byte_fallback == "prompts"
    if as_text and (own or merge):
        raise NotImplementedError(
            "a Unigram tokenizer with replacements of its own: config key parity.byte_fallback can be `answers` for it"
        )
    tokens, types = [], []
    for index, text, kind in pieces(tokenizer, known, size, looks_special, made=lambda text: SPACE in text):
        tokens.append(text)
        types.append(gguf.TokenType.UNKNOWN if index == model["unk_id"] else kind)
    inner = next((token for token in known.values() if SPACE in token.lstrip(SPACE)), None)
    if inner and tokenizer.get("pre_tokenizer"):
        raise NotImplementedError(f"a Unigram tokenizer that splits at spaces, with a token that holds one: {inner!r}")
    scores = [score for _, score in model["vocab"]][:size]
    scores += [-10000.0] * (size - len(scores))
    replacements = own
    if as_text:
        of_text = (gguf.TokenType.NORMAL, gguf.TokenType.USER_DEFINED)
        replacements = charsmap(
            bytes_as_text([text for text, kind in zip(tokens, types, strict=True) if kind in of_text])
        )
        types = [gguf.TokenType.NORMAL if kind == gguf.TokenType.BYTE else kind for kind in types]
    elif not own and not merge:
        replacements = charsmap(SPACES)
    return Vocabulary("t5", tokens, scores, types, prefix, merge, replacements)
