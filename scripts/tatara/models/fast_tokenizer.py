"""Fast tokenizers put together from the entries of a tokenizer.json: of byte-level BPE, and of SentencePiece's pieces,
which a `tokenizer.model` or a GGUF file holds.
"""

import base64
import json
from dataclasses import dataclass

from tokenizers import Tokenizer

from tatara.llama.pretokenizers import PreTokenizer
from tatara.llama.vocabulary import SPACE

# Kinds of tokens in llama.cpp's numbers, which are SentencePiece's.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


@dataclass(frozen=True)
class Pieces:
    """What SentencePiece knows of a vocabulary.

    Attributes:
        unigram: whether a text's best pieces are sought (Unigram), or pieces are merged by score (BPE).
        kinds: NORMAL, UNKNOWN and so on.
        unknown: id of the unknown token.
        prefix: a space is put before the text.
        merge_spaces: spaces in a row count as one, and those around the text not at all.
        charsmap: replacements in SentencePiece's binary form, empty for none.
    """

    unigram: bool
    texts: list[str]
    scores: list[float]
    kinds: list[int]
    unknown: int
    prefix: bool
    merge_spaces: bool = False
    charsmap: bytes = b""


def _assemble(
    texts: list[str], kinds: list[int], model: dict, normalizers: list[dict], pre_tokenizer: dict | None, decoder: dict
) -> Tokenizer:
    """Return the tokenizer of these entries; control and user-defined tokens are added tokens.

    A user-defined token with ▁ is none: it stands for spaces, which are replaced after added tokens are sought.
    """
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [
        {"id": index, "content": text, **plain, "special": kind != USER_DEFINED}
        for index, (text, kind) in enumerate(zip(texts, kinds, strict=True))
        if kind in (UNKNOWN, CONTROL) or (kind == USER_DEFINED and SPACE not in text)
    ]
    entries = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": normalizers} if normalizers else None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": decoder,
        "model": model,
    }
    return Tokenizer.from_str(json.dumps(entries))


def _bpe(texts: list[str], merges: list[tuple[str, str]], **settings) -> dict:
    """Return the entry `model` of BPE."""
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        **settings,
        "vocab": {text: index for index, text in enumerate(texts)},
        "merges": [list(pair) for pair in merges],
    }


def byte_level_bpe(
    texts: list[str], kinds: list[int], merges: list[tuple[str, str]], pre_tokenizer: PreTokenizer
) -> Tokenizer:
    """Return a byte-level BPE tokenizer without a normalizer."""
    model = _bpe(texts, merges, ignore_merges=pre_tokenizer.ignore_merges)
    decoder = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return _assemble(texts, kinds, model, [], pre_tokenizer.as_json(), decoder)


def merges_by_score(texts: list[str], scores: list[float]) -> list[tuple[str, str]]:
    """Return the merges that make a piece of two others, the piece of the highest score first; those of one piece in
    the order of their parts' ids.
    """
    places = {text: place for place, text in enumerate(texts)}
    found = []
    for text, score in zip(texts, scores, strict=True):
        pairs = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        known = [pair for pair in pairs if pair[0] in places and pair[1] in places]
        found += [(score, pair) for pair in sorted(known, key=lambda pair: (places[pair[0]], places[pair[1]]))]
    return [pair for _, pair in sorted(found, key=lambda entry: -entry[0])]


def _normalizers(pieces: Pieces) -> list[dict]:
    steps = []
    if pieces.charsmap:
        charsmap = base64.b64encode(pieces.charsmap).decode()
        steps.append({"type": "Precompiled", "precompiled_charsmap": charsmap})
    if pieces.merge_spaces:
        steps.append({"type": "Replace", "pattern": {"Regex": r"\A +| +\z"}, "content": ""})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    if pieces.prefix:
        steps.append({"type": "Prepend", "prepend": SPACE})
    return [*steps, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]


def of_pieces(pieces: Pieces) -> Tokenizer:
    """Return the tokenizer of SentencePiece's pieces."""
    texts, kinds, fallback = pieces.texts, pieces.kinds, BYTE in pieces.kinds
    if pieces.unigram:
        vocabulary = [list(entry) for entry in zip(texts, pieces.scores, strict=True)]
        model = {"type": "Unigram", "unk_id": pieces.unknown, "vocab": vocabulary, "byte_fallback": fallback}
    else:
        merges = merges_by_score(texts, pieces.scores)
        model = _bpe(texts, merges, unk_token=texts[pieces.unknown], fuse_unk=True, byte_fallback=fallback)
    decoders = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if pieces.prefix:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return _assemble(texts, kinds, model, _normalizers(pieces), None, {"type": "Sequence", "decoders": decoders})
