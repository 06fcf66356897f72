"""YAML, read strictly: a key that stands twice or is no text is an error with file and line."""

from pathlib import Path

import yaml

from tatara.files.text import read_text
from tatara.job.errors import InputError


class _Loader(yaml.CSafeLoader):
    """The safe loader, but a key that stands twice in one mapping, a key that is no text and a list that holds itself
    are errors.
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
                found = (
                    "a list or a mapping"
                    if isinstance(key, list | dict)
                    else f"{key_node.value or 'nothing'} ({type(key).__name__})"
                )
                raise yaml.MarkedYAMLError(
                    problem=f"{found} cannot be a key, a key is text; write it in quotes",
                    problem_mark=key_node.start_mark,
                )
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
