"""Question and answer templates, read and checked; the head of resources/templates/v1.yaml explains them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tatara.data.facts import KINDS
from tatara.data.schema import Schema, nearest
from tatara.data.slots import slot_problem
from tatara.files.control_tokens import token_problem
from tatara.files.json_schema import schema_errors
from tatara.files.strict_yaml import nearest_line, read_yaml_lines
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
        "relation": {
            "anyOf": [_TEXT, _TEXTS],
            "description": "a relation type of schema.yaml, a list of them, or any",
        },
        "intent": _TEXT | {"description": f"what the question asks: {', '.join(INTENTS)}"},
        "questions": _TEXTS,
        "answers": _TEXTS,
        "needs": _FEW_TEXTS | {"description": "expected a list of slots"},
        "kinds": _FEW_TEXTS | {"description": f"kinds of the fact that is asked for: {', '.join(KINDS)}"},
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
        "also": _FEW_TEXTS | {"description": "expected a list of sentences with {topics}"},
        "templates": {"type": "array", "description": "the list of templates; the head of v1.yaml explains them"},
    },
}
SLOT = re.compile(r"\{([^{}]*)\}")
_OPTIONAL = "? "
_MORE = "{more}"
FACTS = "{facts}"  # the line that stands for facts around the relation
TOPICS = "topics"  # the slot of `also`


@dataclass(frozen=True)
class Line:
    """A line of an answer: text with slots; an optional one is taken while the answer is short of its aim."""

    text: str
    optional: bool


@dataclass(frozen=True)
class Template:
    """Wordings of one question about one relation type, and the compositions that answer it.

    Attributes:
        relations: relation types, or `any`.
        questions: wordings; wording k is answered by composition k modulo their number.
        answers: compositions, each a list of lines.
        needs: slots that must have a value for the template to be used.
        kinds: it asks for one fact of these kinds; empty for a template about the relation alone.
        also: sentences with {topics}, by which a question names further facts of its answer.
        aim, most: the length in characters that an answer comes near to, and the one that optional lines never exceed.
        source: file:line, for messages.
    """

    id: str
    version: str
    relations: tuple[str, ...]
    intent: str
    questions: tuple[str, ...]
    answers: tuple[tuple[Line, ...], ...]
    needs: tuple[str, ...]
    kinds: tuple[str, ...]
    also: tuple[str, ...]
    aim: int
    most: int
    source: str


def _lines(answer: str, more: list[str]) -> tuple[Line, ...]:
    lines = []
    for text in filter(None, map(str.strip, answer.split("\n"))):
        if text == _MORE:
            lines.extend(Line(extra.strip(), True) for extra in more)
        else:
            optional = text == FACTS or text.startswith(_OPTIONAL)
            lines.append(Line(text.removeprefix(_OPTIONAL), optional))
    return tuple(lines)


def _text_problems(texts: list[str], schema: Schema) -> Iterator[str]:
    for text in texts:
        yield from filter(None, (slot_problem(slot, schema) for slot in SLOT.findall(text)))
        if re.search(r"[{}]", SLOT.sub("", text)):
            yield f"a brace without its partner in {text!r}"
        if problem := token_problem(repr(text), text):
            yield problem


def _template_problems(template: Template, lacks_more: bool, schema: Schema) -> Iterator[str]:
    """Yield what is wrong with a template whose shape is right."""
    for type_ in template.relations:
        if type_ not in (*schema.relations, ANY):
            yield f"unknown relation type {type_}{nearest(type_, schema.relations)}"
    for kind in template.kinds:
        if kind not in KINDS:
            yield f"unknown kind of facts {kind}{nearest(kind, KINDS)}"
    if template.intent not in INTENTS:
        yield f"unknown intent {template.intent}{nearest(template.intent, INTENTS)}"
    if lacks_more:
        yield f"uses {_MORE}, but the file has no list more.{template.relations[0]}"
    lines = [line.text for lines in template.answers for line in lines if line.text != FACTS]
    texts = [*template.questions, *lines, *(f"{{{slot}}}" for slot in template.needs)]
    yield from _text_problems(texts, schema)
    if not template.kinds and any("{fact." in text for text in texts):
        yield "uses a slot of a fact, but names no kinds of facts to ask for; add kinds: [value, …]"
    if not all(any(not line.optional for line in lines) for lines in template.answers):
        yield "answers: each needs a line that is not optional"


def _template(source: str, entry: dict, head: dict) -> tuple[Template, bool]:
    """Return the template of an entry whose shape is right, and whether its list of more lines is missing."""
    relations = [entry["relation"]] if isinstance(entry["relation"], str) else entry["relation"]
    more = (head.get("more") or {}).get(relations[0]) or []
    template = Template(
        id=entry["id"],
        version=head["version"],
        relations=tuple(relations),
        intent=entry["intent"],
        questions=tuple(question.strip() for question in entry["questions"]),
        answers=tuple(_lines(answer, more) for answer in entry["answers"]),
        needs=tuple(entry.get("needs") or []),
        kinds=tuple(entry.get("kinds") or []),
        also=tuple(text.strip() for text in head.get("also") or []),
        aim=head["answer_chars"]["aim"],
        most=head["answer_chars"]["most"],
        source=source,
    )
    return template, not more and any(_MORE in answer for answer in entry["answers"])


def _read_file(path: Path, schema: Schema, problems: list[str]) -> Iterator[Template]:
    """Yield the templates of a file that are right, in order."""
    content, lines = read_yaml_lines(path)
    if wrong := schema_errors(content, _FILE):
        problems += [f"{path}:{nearest_line(lines, key)}: {message}" for key, message in wrong]
        return
    for type_ in content.get("more") or {}:
        if type_ not in (*schema.relations, ANY):
            where = f"{path}:{nearest_line(lines, ('more', type_))}: more.{type_}"
            problems.append(f"{where}: unknown relation type{nearest(type_, schema.relations)}")
    for index, text in enumerate(content.get("also") or []):
        if SLOT.findall(text) != [TOPICS]:
            where = f"{path}:{nearest_line(lines, ('also', index))}: also"
            problems.append(f"{where}: expected a sentence with {{{TOPICS}}}, once and no other slot, not {text!r}")
    for index, entry in enumerate(content["templates"]):
        place = ("templates", index)
        name = f"template {entry.get('id', index + 1) if isinstance(entry, dict) else index + 1}"
        if wrong := schema_errors(entry, _ENTRY):
            problems += [f"{path}:{nearest_line(lines, place + key)}: {name}: {message}" for key, message in wrong]
            continue
        source = f"{path}:{nearest_line(lines, place)}"
        template, lacks_more = _template(source, entry, content)
        wrong = list(dict.fromkeys(_template_problems(template, lacks_more, schema)))
        problems += [f"{source}: {name}: {message}" for message in wrong]
        if not wrong:
            yield template


def read_templates(paths: list[Path], schema: Schema, answer_chars: dict[str, int] | None = None) -> list[Template]:
    """Read and check template files; the templates come in the order of files and entries.

    Args:
        answer_chars: `aim` and `most` in characters, for all templates in place of what their files say.

    Raises:
        InputError: every problem found, with file, line and template id: keys that are unknown or hold something else
            than they should, unknown slots, relation types or intents, control tokens, ids that stand twice.
    """
    problems: list[str] = []
    templates: dict[str, Template] = {}
    for template in (template for path in paths for template in _read_file(Path(path), schema, problems)):
        if template.id in templates:
            first = templates[template.id].source
            problems.append(f"{template.source}: template {template.id}: this id stands twice, first in {first}")
        templates.setdefault(template.id, template)
    raise_problems(problems)
    return [replace(template, **answer_chars or {}) for template in templates.values()]
