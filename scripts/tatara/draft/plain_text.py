"""Plain text: its encoding, and its paragraphs as blocks."""

import codecs
import re
from pathlib import Path

from tatara.draft.document import ITEM, PARAGRAPH, Block
from tatara.draft.lines import join
from tatara.draft.numbering import stands_apart
from tatara.files.text import open_bytes
from tatara.job.errors import InputError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ENCODINGS = ("utf-8", "cp932")
_ITEM = re.compile(r"(?:[-*・●○]|[(（]?[0-9０-９a-zア-ン]{1,2}[)）]) *")
_RULE = re.compile(r"[-=_*─━＝－ー~\s]{3,}")
_END = re.compile(r"[。．.!?！？:：]$")


def decode_any(path: Path) -> str:
    """Return a text file's text with LF line ends: UTF-8, UTF-16 with its mark or without, or CP932 (Shift_JIS).

    Raises:
        InputError: no such file, or bytes of none of these encodings.
    """
    with open_bytes(path) as file:
        raw = file.read()
    encodings = next(([encoding] for mark, encoding in _MARKS if raw.startswith(mark)), None)
    if encodings is None:
        # UTF-16 without a mark: in a text with ASCII or kana every other byte repeats, mostly 0.
        even, odd = raw[0::2].count(0), raw[1::2].count(0)
        wide = [name for count, name in ((odd, "utf-16-le"), (even, "utf-16-be")) if count > len(raw) // 50]
        encodings = [*wide, *ENCODINGS]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InputError(f"{path}: the text is neither UTF-8 nor UTF-16 nor Shift_JIS (CP932); save it as UTF-8")


def _joins(line: str, after: str, longest: int) -> bool:
    """Return whether a line goes on in the next one: it is as long as lines are here, and no heading or item."""
    if stands_apart(after) or stands_apart(line) or _ITEM.match(after) or not after.strip():
        return False
    return len(line) >= 0.7 * longest and not _END.search(line.strip())


def text_blocks(text: str) -> list[Block]:
    """Return the blocks of a plain text: an empty line parts them, and so does a line that is shorter than others."""
    lines = [line.rstrip() for line in text.split("\n")]
    lengths = sorted(len(line) for line in lines if line.strip())
    longest = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
    blocks, kept = [], []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.strip() and not _RULE.fullmatch(line):
            kept.append(line)
        if kept and (not line.strip() or not _joins(line, after, longest)):
            first = kept[0].strip()
            blocks.append(Block(ITEM if _ITEM.match(first) else PARAGRAPH, join(kept)))
            kept = []
    return blocks
