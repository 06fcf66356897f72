"""Vocabularies of the SentencePiece kind as a GGUF file holds them, and the settings by which llama.cpp brings a text
into the form that they know.

A tokenizer.json describes that form by a normalizer and a pre-tokenizer, in many ways; llama.cpp has two switches.
Which positions of the switches do the same is found by trying them on PROBES.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gguf
from tokenizers import Tokenizer
from tokenizers.normalizers import Precompiled

SPACE = "▁"  # stands for a space in the vocabulary
PROBES = (
    "堤防",
    " 堤防",
    "  堤防",
    "堤防 護岸",
    "堤防  護岸 ",
    "堤防\n護岸",
    "\n堤防\n\n 護岸\n",
    "第1章 総則(1)、A b",
    "ＡＢ① が",
)


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary and the switches of llama.cpp.

    Attributes:
        kind: llama.cpp's `tokenizer.ggml.model`: `llama` (merges by score) or `t5` (Unigram).
        types: gguf.TokenType of each token.
        add_space_prefix: a space is put before the text, and before what follows a special token.
        remove_extra_whitespaces: spaces in a row count as one.
        charsmap: replacements of strings before a text is split, in SentencePiece's binary form; `t5` alone has it.
    """

    kind: str
    tokens: list[str]
    scores: list[float]
    types: list[int]
    add_space_prefix: bool
    remove_extra_whitespaces: bool = False
    charsmap: bytes = b""

    def write(self, writer: gguf.GGUFWriter) -> None:
        """Write the vocabulary's keys; those of the special tokens are not among them."""
        writer.add_tokenizer_model(self.kind)
        writer.add_tokenizer_pre("default")
        writer.add_token_list(self.tokens)
        writer.add_token_scores(self.scores)
        writer.add_token_types(self.types)
        writer.add_add_space_prefix(self.add_space_prefix)
        writer.add_remove_extra_whitespaces(self.remove_extra_whitespaces)
        if self.charsmap:
            writer.add_precompiled_charsmap(self.charsmap)


def pieces(
    tokenizer: dict,
    known: dict[int, str],
    size: int,
    looks_special: Callable[[str], bool],
    made: Callable[[str], bool],
) -> Iterator[tuple[int, str, gguf.TokenType]]:
    """Yield id, text and type of `size` tokens; ids that no token has are filled up with unused ones.

    Args:
        tokenizer: a tokenizer.json.
        known: the model's own vocabulary, id -> text.
        looks_special: whether a token is to be one of control, though its tokenizer does not call it special.
        made: whether an added token is what the vocabulary makes of its text anyway. It is a normal one then, since a
            user-defined one is not the same everywhere: one with ▁ would be written as ▁ instead of as spaces, and
            Ollama looks for them in the order of their ids, for a line's end before two of them.
    """
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    for index in range(size):
        text = added[index]["content"] if index in added else known.get(index)
        if text is None:
            yield index, f"[PAD{index}]", gguf.TokenType.UNUSED
        elif index in added and (added[index]["special"] or looks_special(text)):
            yield index, text, gguf.TokenType.CONTROL
        elif index in added and not made(text):
            yield index, text, gguf.TokenType.USER_DEFINED
        elif len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            yield index, text, gguf.TokenType.BYTE
        else:
            yield index, text, gguf.TokenType.NORMAL


def normalized(text: str, prefix: bool, merge: bool) -> str:
    """Return a text as llama.cpp's normalization leaves it.

    Args:
        prefix, merge: the switches `add_space_prefix` and `remove_extra_whitespaces`; merging puts a space before the
            text in any case.
    """
    if merge:
        text = " ".join(part for part in text.split(" ") if part)
    return (SPACE if prefix and text else "") + text.replace(" ", SPACE)


def switches(tokenizer: Tokenizer, may_merge: bool, charsmap: bytes = b"") -> tuple[bool, bool]:
    """Return the switches (`add_space_prefix`, `remove_extra_whitespaces`) with which llama.cpp does what a tokenizer's
    normalizer and pre-tokenizer do.

    Args:
        may_merge: whether the kind of vocabulary has the second one.
        charsmap: replacements that both make before.

    Raises:
        NotImplementedError: none does on PROBES.
    """

    def given(text: str) -> str:
        text = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        parts = tokenizer.pre_tokenizer.pre_tokenize_str(text) if tokenizer.pre_tokenizer else [(text, None)]
        return "".join(part for part, _ in parts)

    expected = [given(text) for text in PROBES]
    replaced = [Precompiled(charsmap).normalize_str(text) if charsmap else text for text in PROBES]
    for prefix, merge in ((False, False), (True, False), (True, True)):
        if (may_merge or not merge) and [normalized(text, prefix, merge) for text in replaced] == expected:
            return prefix, merge
    where = next(text for text, got in zip(replaced, expected, strict=True) if got != normalized(text, False, False))
    raise NotImplementedError(
        f"a tokenizer whose normalizer and pre-tokenizer make {given(where)!r} of {where!r}: llama.cpp can put a space "
        "before a text and merge spaces, and nothing else"
    )
