"""The one place where text is made comparable."""

import unicodedata


class _Table(dict):
    """Maps a character to itself, or to nothing where its Unicode category is dropped; filled as it is asked."""

    def __init__(self, dropped: str):
        super().__init__()
        self.dropped = dropped

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.category(chr(code))[0] in self.dropped else code
        return self[code]


_SPACES = _Table("ZC")
_SPACES_AND_PUNCTUATION = _Table("ZCP")


def squeeze(text: str) -> str:
    """Return the text in NFKC without spaces and control characters: what facts and citations are matched on."""
    return unicodedata.normalize("NFKC", text).translate(_SPACES)


def normalise(text: str) -> str:
    """Return the text in NFKC, casefolded, without punctuation, spaces and control characters.

    Two questions that are equal in this form are one.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(
        _SPACES_AND_PUNCTUATION
    )
