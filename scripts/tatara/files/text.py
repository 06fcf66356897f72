"""Reading and writing of text files: UTF-8, errors that name file and line, writes that are whole or not there."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tatara.job.errors import InputError
from tatara.job.whole_file import whole_file


def open_bytes(path: Path | str) -> BinaryIO:
    """Open a file for reading.

    Raises:
        InputError: no such file.
    """
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path in the config") from None


def decode(raw: bytes, path: Path | str, line: int = 1) -> str:
    """Return UTF-8 text that begins at a line of a file; a byte order mark at its beginning is taken off silently.

    Raises:
        InputError: bytes that are not UTF-8 (file and line).
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line += raw.count(b"\n", 0, error.start)
        raise InputError(
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8 (not Shift_JIS or "
            "UTF-16)"
        ) from None


def read_text(path: Path | str) -> str:
    """Return a UTF-8 file's text with LF line ends; a byte order mark and CRLF are taken off silently.

    Raises:
        InputError: no such file, or bytes that are not UTF-8 (file and line).
    """
    with open_bytes(path) as file:
        return decode(file.read(), path).replace("\r\n", "\n").replace("\r", "\n")


def write_text(path: Path | str, text: str | Iterable[str]) -> None:
    """Write UTF-8 text, or pieces of it one after another, with line ends as they are.

    A reader sees the old file or the new one, never a part.
    """
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.writelines([text] if isinstance(text, str) else text)


def write_json(path: Path | str, content: object) -> None:
    """Write what JSON can hold, indented, not escaped to ASCII, with an LF at its end."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def write_csv(path: Path | str, columns: list[str], rows: list[list]) -> None:
    """Write a header and rows, LF ends, quotes only where they are needed."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())
