"""Question and answer templates: data under resources/templates, read, checked and composed here. The head of v1.yaml
explains the format.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tatara.data.schema import Schema, nearest
from tatara.data.slots import View, slot_problem
from tatara.files.json_schema import schema_problems
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import raise_problems

VERSIONS = ("v1", "v2", "v3", "v4")
INTENTS = ("what", "why", "where", "which", "how", "compare", "apply")
ANY = "any"  # a template for every relation type that has none of its own
_TEXT = {"type": "string", "pattern": r"\S", "description": "expected a text; write odd values in quotes"}
_TEXTS = {"type": "array", "minItems": 1, "items": _TEXT, "description": "expected a list of at least one text"}
_FEW_TEXTS = {"type": ["array", "null"], "items": _TEXT, "description": "expected a list of texts"}
_LENGTH = {"type": "integer", "minimum": 0, "description": "expected a length in characters"}
_ENTRY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "relation", "intent", "questions", "answers"],
    "properties": {
        "id": _TEXT | {"description": "a name that no other template has"},
        "relation": _TEXT | {"description": "a relation type of schema.yaml, or any"},
        "intent": _TEXT | {"description": f"what the question asks: {', '.join(INTENTS)}"},
        "questions": _TEXTS,
        "answers": _TEXTS,
        "needs": _FEW_TEXTS | {"description": "expected a list of slots"},
    },
}
_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "answer_chars", "templates"],
    "properties": {
        "version": {"enum": list(VERSIONS), "description": "the generation of the templates"},
        "answer_chars": {
            "type": "object",
            "additionalProperties": False,
            "required": ["aim", "most"],
            "properties": {"aim": _LENGTH, "most": _LENGTH},
            "description": "lengths of answers in characters, such as {aim: 375, most: 450}",
        },
        "more": {
            "type": ["object", "null"],
            "additionalProperties": _FEW_TEXTS,
            "description": "relation type -> optional lines",
        },
        "templates": {"type": "array", "description": "the list of templates; the head of v1.yaml explains them"},
    },
}
_SLOT = re.compile(r"\{([^{}]*)\}")
_SENTENCE = re.compile(r"[^。]*。[」）]*|[^。]+")
_BRACKETS = re.compile(
    r"。(（(?:[^（）]|（[^（）]*）)*）)"
)  # brackets after a sentence; inside, one more level as in 維持管理編（河川編）
_OPTIONAL = "? "
_MORE = "{more}"


@dataclass(frozen=True)
class Line:
    """A line of an answer: text with slots; an optional one is taken while the answer is short of its aim."""

    text: str
    optional: bool


@dataclass(frozen=True)
class Template:
    """Wordings of one question about one relation type, and the compositions that answer it.

    Attributes:
        relation: a relation type, or `any`.
        questions: wordings; wording k is answered by composition k modulo their number.
        answers: compositions, each a list of lines.
        needs: slots that must have a value for the template to be used.
        aim, most: the length in characters that an answer comes near to, and the one that optional lines never exceed.
        source: file, for messages.
    """

    id: str
    version: str
    relation: str
    intent: str
    questions: tuple[str, ...]
    answers: tuple[tuple[Line, ...], ...]
    needs: tuple[str, ...]
    aim: int
    most: int
    source: str


class UnfilledSlot(Exception):
    """A slot that the graph has no value for; its argument is the slot."""


def fill(text: str, view: View, turn: int) -> str:
    """Return the text with its slots filled.

    Raises:
        UnfilledSlot: the graph has nothing for one of them.
    """

    def value(match: re.Match) -> str:
        found = view.value(match[1], turn)
        if not found:
            raise UnfilledSlot(match[1])
        return found

    return _SLOT.sub(value, text)


def compose(template: Template, number: int, view: View, turn: int) -> str:
    """Return the answer to wording `number`: its required lines, and optional ones until it comes nearest to the aim.

    A required sentence that the answer already has is left out; an optional line is used only when none of its
    sentences is there. Brackets that follow a sentence are taken into it.

    Raises:
        UnfilledSlot: a required line has a slot without a value.
    """
    lines = template.answers[number % len(template.answers)]
    chosen: dict[int, list[str]] = {}
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if not line.optional:
            sentences = [
                sentence
                for sentence in dict.fromkeys(_SENTENCE.findall(fill(line.text, view, turn)))
                if sentence not in seen
            ]
            seen.update(sentences)
            chosen[index] = sentences
    total = sum(map(len, seen))
    optional = [index for index, line in enumerate(lines) if line.optional]
    first = turn % len(optional) if optional else 0
    for index in optional[first:] + optional[:first]:
        try:
            sentences = _SENTENCE.findall(fill(lines[index].text, view, turn))
        except UnfilledSlot:
            continue
        longer = total + sum(map(len, sentences))
        if (
            longer <= template.most
            and abs(longer - template.aim) < abs(total - template.aim)
            and seen.isdisjoint(sentences)
        ):
            seen.update(sentences)
            chosen[index] = sentences
            total = longer
    return _BRACKETS.sub(r"\1。", "".join(sentence for index in sorted(chosen) for sentence in chosen[index]))


def _lines(answer: str, more: list[str]) -> tuple[Line, ...]:
    lines = []
    for text in filter(None, map(str.strip, answer.split("\n"))):
        if text == _MORE:
            lines.extend(Line(extra.strip(), True) for extra in more)
        else:
            lines.append(Line(text.removeprefix(_OPTIONAL), text.startswith(_OPTIONAL)))
    return tuple(lines)


def _template(
    path: Path, index: int, entry: object, head: dict, schema: Schema, problems: list[str]
) -> Template | None:
    where = f"{path}: template {entry.get('id', index) if isinstance(entry, dict) else index}"
    found = schema_problems(entry, _ENTRY)
    if found:
        problems.extend(f"{where}: {problem}" for problem in found)
        return None
    relation, needs = entry["relation"], entry.get("needs") or []
    if relation not in (*schema.relations, ANY):
        found.append(f"unknown relation type {relation}{nearest(relation, schema.relations)}")
    if entry["intent"] not in INTENTS:
        found.append(f"unknown intent {entry['intent']}{nearest(entry['intent'], INTENTS)}")
    questions = [question.strip() for question in entry["questions"]]
    more = (head.get("more") or {}).get(relation) or []
    if any(_MORE in answer for answer in entry["answers"]) and not more:
        found.append(f"uses {_MORE}, but the file has no list more.{relation}")
    compositions = tuple(_lines(answer, more) for answer in entry["answers"])
    for text in (
        *questions,
        *(line.text for lines in compositions for line in lines),
        *(f"{{{slot}}}" for slot in needs),
    ):
        found.extend(filter(None, (slot_problem(slot, schema) for slot in _SLOT.findall(text))))
        if re.search(r"[{}]", _SLOT.sub("", text)):
            found.append(f"a brace without its partner in {text!r}")
    if not all(any(not line.optional for line in lines) for lines in compositions):
        found.append("answers: each needs a line that is not optional")
    if found:
        problems.extend(f"{where}: {problem}" for problem in dict.fromkeys(found))
        return None
    return Template(
        entry["id"],
        head["version"],
        relation,
        entry["intent"],
        tuple(questions),
        compositions,
        tuple(needs),
        head["answer_chars"]["aim"],
        head["answer_chars"]["most"],
        str(path),
    )


def read_templates(paths: list[Path], schema: Schema) -> list[Template]:
    """Read and check template files; the templates come in the order of files and entries.

    Raises:
        InputError: every problem found, with file and template id or key: keys that are unknown or hold something else
            than they should, unknown slots, relation types or intents, ids that stand twice.
    """
    problems: list[str] = []
    templates: dict[str, Template] = {}
    for path in map(Path, paths):
        content = read_yaml(path)
        if found := schema_problems(content, _FILE):
            problems.extend(f"{path}: {problem}" for problem in found)
            continue
        for index, entry in enumerate(content["templates"], start=1):
            template = _template(path, index, entry, content, schema, problems)
            if template and template.id in templates:
                problems.append(
                    f"{path}: template {template.id}: this id stands twice, first in {templates[template.id].source}"
                )
            elif template:
                templates[template.id] = template
    raise_problems(problems)
    return list(templates.values())
