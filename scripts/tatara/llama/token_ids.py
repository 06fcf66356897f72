"""Token ids of a tokenizer and of llama.cpp side by side, and characters that have no token of their own.

A Unigram tokenizer with byte fallback writes such a character as its bytes; llama.cpp, which has no byte fallback
there, writes a row of such characters as one unknown token. Everything else is to be equal.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tatara.llama.vocabulary import SPACE


@dataclass(frozen=True)
class ByteTokens:
    """The tokens that stand for bytes.

    Attributes:
        values: id -> byte; empty for a vocabulary without such tokens.
        unknown: id of the unknown token.
    """

    values: dict[int, int]
    unknown: int | None

    @classmethod
    def of(cls, tokenizer) -> "ByteTokens":
        """Return those of a transformers tokenizer."""
        ids = ((tokenizer.convert_tokens_to_ids(f"<0x{value:02X}>"), value) for value in range(256))
        unknown = tokenizer.unk_token_id
        return cls({index: value for index, value in ids if index not in (None, unknown)}, unknown)

    def as_unknown(self, ids: list[int]) -> tuple[list[int], str]:
        """Return ids with one unknown token for each row of bytes, and the text of all these bytes."""
        kept, written = [], bytearray()
        for place, token in enumerate(ids):
            if token not in self.values:
                kept.append(token)
                continue
            written.append(self.values[token])
            if not place or ids[place - 1] not in self.values:
                kept.append(self.unknown)
        return kept, written.decode("utf-8", errors="replace").replace(SPACE, " ")


@dataclass
class Comparison:
    """What a comparison of many texts has shown.

    Attributes:
        lines, tokens, characters: what was compared; tokens by the tokenizer.
        different: texts whose ids differ in anything but characters without a token.
        example: the first of these, with the ids of both.
        without_token: characters that llama.cpp reads as unknown, or writes as <0xE9> -> how often they occur.
        lines_with_these: texts that hold such a character.
    """

    lines: int = 0
    tokens: int = 0
    characters: int = 0
    different: int = 0
    example: dict | None = None
    without_token: Counter = field(default_factory=Counter)
    lines_with_these: int = 0

    @property
    def share_without_token(self) -> float:
        return self.without_token.total() / max(1, self.characters)


def compare(
    texts: Iterable[str],
    expected_ids: Callable[[str], list[int]],
    llama_ids: Callable[[str], list[int]],
    byte_tokens: ByteTokens,
    bytes_are_text: bool = False,
) -> Comparison:
    """Compare the ids of a tokenizer with those of llama.cpp, text by text.

    Args:
        bytes_are_text: llama.cpp reads characters without a token as the tokenizer does, but writes them as <0xE9>
            (`unigram.BYTE_FALLBACK`), so they are counted though their ids are equal.
    """
    result = Comparison()
    for text in texts:
        expected, got = expected_ids(text), llama_ids(text)
        result.lines += 1
        result.tokens += len(expected)
        result.characters += len(text)
        if got == expected and not bytes_are_text:
            continue
        reduced, unknown = byte_tokens.as_unknown(expected)
        if got == (expected if bytes_are_text else reduced):
            result.without_token.update(unknown)
            result.lines_with_these += bool(unknown)
            continue
        result.different += 1
        result.example = result.example or {"text": text, "tokenizer": expected, "gguf": got}
    return result
