"""Reading and writing of text files: UTF-8, errors that name file and line, writes that are whole or not there."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import yaml

from tatara.errors import InputError


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
        raise InputError(f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8 (not Shift_JIS or UTF-16)") from None


def read_text(path: Path | str) -> str:
    """Return a UTF-8 file's text with LF line ends; a byte order mark and CRLF are taken off silently.

    Raises:
        InputError: no such file, or bytes that are not UTF-8 (file and line).
    """
    with open_bytes(path) as file:
        return decode(file.read(), path).replace("\r\n", "\n").replace("\r", "\n")


def write_text(path: Path | str, text: str | Iterable[str]) -> None:
    """Write UTF-8 text, or pieces of it one after another, with line ends as they are; a reader sees the old file or the new one, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines([text] if isinstance(text, str) else text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_csv(path: Path | str, columns: list[str], rows: list[list]) -> None:
    """Write a header and rows, LF ends, quotes only where they are needed."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


class _Loader(yaml.CSafeLoader):
    """The safe loader, but a key that stands twice in one mapping, a key that is no text and a list that holds itself are errors."""

    def construct_document(self, node):
        # At once, not in parts: only then does PyYAML refuse what holds itself (`&a [*a]`).
        self.deep_construct = True
        return super().construct_document(node)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                found = "a list or a mapping" if isinstance(key, list | dict) else f"{key_node.value or 'nothing'} ({type(key).__name__})"
                raise yaml.MarkedYAMLError(problem=f"{found} cannot be a key, a key is text; write it in quotes", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path | str) -> object:
    """Return what a YAML file holds.

    Raises:
        InputError: broken YAML, a key that stands twice or is no text, a list that holds itself (file and line).
    """
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError(f"{path}:{line}: {error.problem}; mend the YAML there") from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1  # libyaml counts bytes
        character = error.character if isinstance(error.character, int) else ord(error.character)
        raise InputError(f"{path}:{line}: the character U+{character:04X} is not allowed in YAML; remove it") from None
    except (ValueError, TypeError, RecursionError) as error:
        # A date that does not exist, a thousand brackets: PyYAML does not say where.
        raise InputError(f"{path}: not YAML that can be read ({error}); write odd values in quotes") from None
