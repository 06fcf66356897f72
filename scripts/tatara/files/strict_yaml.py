"""YAML, read strictly: a key that stands twice or is no text is an error with file and line.

Numbers are those of YAML 1.2, so that `2e-4` is a number; PyYAML alone takes it for a text, since it lacks a dot.
"""

import math
import re
from pathlib import Path

import yaml

from tatara.files.text import read_text
from tatara.job.errors import InputError

Lines = dict[tuple, int]
FLOAT = "tag:yaml.org,2002:float"
_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$")  # YAML 1.2.2, 10.3.2
_TAB = re.compile(r"[ ]*\t")
_REMEDIES = (
    ("stands twice", "keep one of them"),
    ("cannot be a key", "write it in quotes"),
    ("no finite number", "write a number"),
    ("mapping values are not allowed", "put a text that holds a colon and a space in quotes"),
    ("cannot start any token", "put a text that begins with a sign such as % @ ` in quotes"),
)


class _Loader(yaml.CSafeLoader):
    """The safe loader, made strict.

    A key that stands twice in one mapping, a key that is no text, a list that holds itself and a number that is not
    finite are errors.
    """

    def construct_document(self, node):
        # At once, not in parts: only then does PyYAML refuse what holds itself (`&a [*a]`).
        self.deep_construct = True
        return super().construct_document(node)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                name = (
                    "a list or a mapping"
                    if isinstance(key, list | dict)
                    else f"{key_node.value or 'nothing'} ({type(key).__name__})"
                )
                raise yaml.MarkedYAMLError(
                    problem=f"{name} cannot be a key, a key is text",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_float(self, node):
        value = super().construct_yaml_float(node)
        if not math.isfinite(value):
            raise yaml.MarkedYAMLError(problem=f"{node.value} is no finite number", problem_mark=node.start_mark)
        return value


_Loader.add_implicit_resolver(FLOAT, _EXPONENT, list("-+.0123456789"))
_Loader.add_constructor(FLOAT, _Loader.construct_yaml_float)


def _lines(root: yaml.Node | None) -> Lines:
    """Return the line on which each key and each list entry begins; what an alias repeats has no line of its own."""
    lines: Lines = {(): 1}
    waiting, seen = [((), root)] if root else [], set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[*path, key.value] = key.start_mark.line + 1
                waiting.append(((*path, key.value), value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                lines[*path, index] = value.start_mark.line + 1
                waiting.append(((*path, index), value))
    return lines


def nearest_line(lines: Lines, path: tuple) -> int:
    """Return the line of a key, or of the nearest one above it that has a line."""
    return next(lines[path[:length]] for length in range(len(path), -1, -1) if path[:length] in lines)


def _remedy(problem: str, line: str) -> str:
    if _TAB.match(line):
        return "indent with spaces, not with tabs"
    return next((remedy for part, remedy in _REMEDIES if part in problem), "mend the YAML there")


def read_yaml_lines(path: Path | str) -> tuple[object, Lines]:
    """Return what a YAML file holds, and the line of each key: `("stage1", "r")` -> 12.

    Raises:
        InputError: broken YAML, a key that stands twice or is no text, a list that holds itself (file and line).
    """
    text = read_text(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        return (loader.construct_document(root) if root else None), _lines(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        remedy = _remedy(error.problem or "", (text.split("\n") + [""] * line)[line - 1])
        raise InputError(f"{path}:{line}: {error.problem}; {remedy}") from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1  # libyaml counts bytes
        character = error.character if isinstance(error.character, int) else ord(error.character)
        raise InputError(f"{path}:{line}: the character U+{character:04X} is not allowed in YAML; remove it") from None
    except (ValueError, TypeError, RecursionError) as error:
        # A date that does not exist, a thousand brackets: PyYAML does not say where.
        raise InputError(f"{path}: not YAML that can be read ({error}); write odd values in quotes") from None


def read_yaml(path: Path | str) -> object:
    """Return what a YAML file holds; raises as `read_yaml_lines`."""
    return read_yaml_lines(path)[0]
