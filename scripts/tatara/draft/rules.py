"""How a language is read: resources/draft/ja.yaml, en.yaml, checked and compiled."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tatara.data.facts import KINDS
from tatara.files.json_schema import schema_errors
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
from tatara.job.errors import InputError, raise_problems

REQUIREMENT = "requirement"  # a duty is a condition among the kinds of facts
_KINDS = (*KINDS, REQUIREMENT)
_TEXT = {"type": "string", "pattern": r"\S"}
_LIST = {"type": "array", "items": _TEXT}
_PAIRS = {"type": "array", "items": {"type": "array", "prefixItems": [_TEXT, {"type": "string"}], "minItems": 2}}
_TYPE = {
    "type": "object",
    "required": ["name", "patterns"],
    "additionalProperties": False,
    "properties": {"name": _TEXT, "patterns": _LIST},
}
_FIELDS = {
    "language": _TEXT,
    "length": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    "sentence": _TEXT,
    "labels": {"type": "object", "required": ["Document", "Chapter", "Section", "Term"]},
    "structural": {"type": "object", "required": ["HAS_CHAPTER", "HAS_SECTION"]},
    "stated_in": _TEXT,
    "describe": {"type": "object", "required": ["Document", "Chapter", "Section", "parts", "and", "more"]},
    "system": _TEXT,
    "notice": _TEXT,
    "shorten": _PAIRS,
    "refuse_start": _LIST,
    "refuse": _LIST,
    "subject": _TEXT,
    "kinds": {"type": "object", "propertyNames": {"enum": list(_KINDS)}, "additionalProperties": _LIST},
    "strong": _TEXT,
    "topic": _LIST,
    "stop": _LIST,
    "trim_start": _LIST,
    "trim_end": _LIST,
    "joined": _TEXT,
    "relations": {"type": "object", "additionalProperties": _TYPE},
    "questions": {"type": "object", "required": list(KINDS), "additionalProperties": _LIST},
    "reference": _TEXT,
}
_FILE = {"type": "object", "required": list(_FIELDS), "additionalProperties": False, "properties": _FIELDS}
_ENDS = {"A": r"⟦(?P<a>\d+)⟧", "B": r"⟦(?P<b>\d+)⟧"}


@dataclass(frozen=True)
class Rules:
    """The checked rules of a language; each pattern is compiled.

    Attributes:
        words: what is taken as it stands in the file: labels, names of relation types, wordings of questions …
        length: shortest and longest fact, in characters.
        sentence: finds a sentence.
        shorten: (pattern, what takes its place), in order.
        refuse_start, refuse: find what makes a sentence no fact, at its start and anywhere.
        subject: finds that a sentence says of what it speaks.
        kinds: kind of fact -> pattern, in order.
        topic: follow the noun phrase that a sentence is about.
        strong: finds the end of a sentence that states a rule.
        stop: words that are no term.
        trim_start, trim_end: words that no term begins with, or ends with.
        relations: type -> patterns with the groups `a` and `b` for terms that are written ⟦number⟧.
    """

    words: dict
    length: tuple[int, int]
    sentence: re.Pattern
    shorten: list[tuple[re.Pattern, str]]
    refuse_start: re.Pattern
    refuse: re.Pattern
    subject: re.Pattern
    kinds: dict[str, re.Pattern]
    topic: list[re.Pattern]
    strong: re.Pattern
    stop: frozenset[str]
    trim_start: frozenset[str]
    trim_end: frozenset[str]
    relations: dict[str, list[re.Pattern]]

    @property
    def language(self) -> str:
        return self.words["language"]


def _relation_pattern(text: str, join: str) -> re.Pattern:
    """Compile a pattern in which A and B are terms and B+ is one or several, joined as the language joins them."""
    text = re.sub(r"\bB\+|B\+", rf"(?P<b>⟦\\d+⟧(?:(?:{join})⟦\\d+⟧)*)", text)
    text = re.sub(r"(?<![A-Za-z<\\])A(?![A-Za-z])", lambda _: _ENDS["A"], text)
    text = re.sub(r"(?<![A-Za-z<\\])B(?![A-Za-z])", lambda _: _ENDS["B"], text)
    return re.compile(text)


def _at_start(pattern: str) -> str:
    return f"(?i)^(?:{pattern[4:]})" if pattern.startswith("(?i)") else f"^(?:{pattern})"


def _either(patterns: Iterable[str]) -> re.Pattern:
    """Compile patterns as one; `(?i)` at the head of one is for that one alone."""
    scoped = (f"(?i:{pattern[4:]})" if pattern.startswith("(?i)") else f"(?:{pattern})" for pattern in patterns)
    return re.compile("|".join(scoped))


def read_rules(path: Path | str) -> Rules:
    """Read the rules of a language.

    Raises:
        InputError: a key that is missing, unknown or of another kind; a pattern that is no regular expression (file,
            line).
    """
    content, lines = read_yaml_lines(path)
    raise_problems(
        f"{path}:{nearest_line(lines, where)}: {message}" for where, message in schema_errors(content, _FILE)
    )
    try:
        return Rules(
            content,
            tuple(content["length"]),
            re.compile(content["sentence"]),
            [(re.compile(pattern), replacement) for pattern, replacement in content["shorten"]],
            _either(_at_start(pattern) for pattern in content["refuse_start"]),
            _either(content["refuse"]),
            re.compile(content["subject"]),
            {kind: _either(patterns) for kind, patterns in content["kinds"].items()},
            [re.compile(pattern) for pattern in content["topic"]],
            re.compile(content["strong"]),
            frozenset(content["stop"]),
            frozenset(content["trim_start"]),
            frozenset(content["trim_end"]),
            {
                type_: [_relation_pattern(pattern, content["joined"]) for pattern in entry["patterns"]]
                for type_, entry in content["relations"].items()
            },
        )
    except re.error as error:
        raise InputError(f"{path}: the pattern {error.pattern!r} is no regular expression: {error}") from None


def language_of(text: str) -> str:
    """Return `ja` where kana are at least one in twenty letters of a text, else `en`."""
    kinds = Counter("kana" if "\u3041" <= c <= "\u30ff" else "other" for c in text if c.isalpha())
    return "ja" if kinds["kana"] * 20 >= sum(kinds.values()) > 0 else "en"
