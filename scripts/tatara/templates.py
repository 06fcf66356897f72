"""Question and answer templates: data under resources/templates, read, checked and composed here. The head of v1.yaml explains the format."""

import re
from dataclasses import dataclass
from pathlib import Path

from tatara.errors import raise_problems
from tatara.files import read_yaml
from tatara.schema import Schema, nearest
from tatara.slots import View, slot_problem

VERSIONS = ("v1", "v2", "v3", "v4")
INTENTS = ("what", "why", "where", "which", "how", "compare", "apply")
ANY = "any"  # a template for every relation type that has none of its own
_KEYS = ("id", "relation", "intent", "questions", "answers", "needs")
_SLOT = re.compile(r"\{([^{}]*)\}")
_SENTENCE = re.compile(r"[^。]*。[」）]*|[^。]+")
_BRACKETS = re.compile(r"。(（(?:[^（）]|（[^（）]*）)*）)")  # brackets after a sentence; inside, one more level as in 維持管理編（河川編）
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

    A required sentence that the answer already has is left out; an optional line is used only when none of its sentences is there.
    Brackets that follow a sentence are taken into it.

    Raises:
        UnfilledSlot: a required line has a slot without a value.
    """
    lines = template.answers[number % len(template.answers)]
    chosen: dict[int, list[str]] = {}
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if not line.optional:
            sentences = [sentence for sentence in dict.fromkeys(_SENTENCE.findall(fill(line.text, view, turn))) if sentence not in seen]
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
        if longer <= template.most and abs(longer - template.aim) < abs(total - template.aim) and seen.isdisjoint(sentences):
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


def _texts(entry: dict, key: str, where: str, problems: list[str]) -> list[str]:
    values = entry.get(key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value.strip() for value in values):
        problems.append(f"{where}: {key}: expected a list of at least one text")
        return []
    return values


def _template(path: Path, index: int, entry: object, head: dict, schema: Schema, problems: list[str]) -> Template | None:
    where = f"{path}: template {entry.get('id', index) if isinstance(entry, dict) else index}"
    before = len(problems)
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        problems.append(f"{where}: expected the keys {', '.join(_KEYS)}")
        return None
    problems.extend(f"{where}: unknown key {key}{nearest(str(key), _KEYS)}" for key in entry.keys() - set(_KEYS))
    if not isinstance(entry.get("relation"), str) or entry["relation"] not in (*schema.relations, ANY):
        problems.append(f"{where}: unknown relation type {entry.get('relation')}{nearest(str(entry.get('relation')), schema.relations)}")
    if entry.get("intent") not in INTENTS:
        problems.append(f"{where}: unknown intent {entry.get('intent')}{nearest(str(entry.get('intent')), INTENTS)}")
    questions = [question.strip() for question in _texts(entry, "questions", where, problems)]
    more = head["more"].get(str(entry.get("relation")), [])
    answers = _texts(entry, "answers", where, problems)
    if any(_MORE in answer for answer in answers) and not more:
        problems.append(f"{where}: uses {_MORE}, but the file has no list more.{entry.get('relation')}")
    compositions = tuple(_lines(answer, more) for answer in answers)
    needs = entry.get("needs") or []
    if not isinstance(needs, list) or not all(isinstance(slot, str) for slot in needs):
        problems.append(f"{where}: needs: expected a list of slots, for example [end.summary], found {needs!r}")
        needs = []
    for text in (*questions, *(line.text for lines in compositions for line in lines), *(f"{{{slot}}}" for slot in needs)):
        found = [slot_problem(slot, schema) for slot in _SLOT.findall(text)]
        if re.search(r"[{}]", _SLOT.sub("", text)):
            found.append(f"a brace without its partner in {text!r}")
        problems.extend(dict.fromkeys(f"{where}: {problem}" for problem in found if problem))
    if not all(any(not line.optional for line in lines) for lines in compositions):
        problems.append(f"{where}: answers: each needs a line that is not optional")
    if len(problems) > before:
        return None
    return Template(
        entry["id"], head["version"], entry["relation"], entry["intent"], tuple(questions), compositions, tuple(needs),
        head["answer_chars"]["aim"], head["answer_chars"]["most"], str(path),
    )  # fmt: skip


def _head(path: Path, content: object, problems: list[str]) -> dict | None:
    keys = ("version", "answer_chars", "more", "templates")
    if not isinstance(content, dict) or not isinstance(content.get("templates"), list):
        problems.append(f"{path}: expected the keys {', '.join(keys)}")
        return None
    problems.extend(f"{path}: unknown key {key}{nearest(str(key), keys)}" for key in content.keys() - set(keys))
    if content.get("version") not in VERSIONS:
        problems.append(f"{path}: version: expected one of {', '.join(VERSIONS)}, found {content.get('version')}")
    chars = content.get("answer_chars")
    if not isinstance(chars, dict) or chars.keys() != {"aim", "most"} or not all(isinstance(value, int) for value in chars.values()):
        problems.append(f"{path}: answer_chars: expected {{aim: 375, most: 450}} (characters), found {chars}")
        return None
    more = content.get("more") or {}
    if not isinstance(more, dict):
        problems.append(f"{path}: more: expected relation types, each with a list of optional lines, found {more!r}")
        return None
    lines = {type_: _texts(more, type_, f"{path}: more", problems) for type_ in more}
    return {"version": content.get("version"), "answer_chars": chars, "more": lines}


def read_templates(paths: list[Path], schema: Schema) -> list[Template]:
    """Read and check template files; the templates come in the order of files and entries.

    Raises:
        InputError: every problem found, with file and template id: unknown keys, slots, relation types or intents, ids that stand twice.
    """
    problems: list[str] = []
    templates: dict[str, Template] = {}
    for path in map(Path, paths):
        content = read_yaml(path)
        if head := _head(path, content, problems):
            for index, entry in enumerate(content["templates"], start=1):
                template = _template(path, index, entry, head, schema, problems)
                if template and template.id in templates:
                    problems.append(f"{path}: template {template.id}: this id stands twice, first in {templates[template.id].source}")
                elif template:
                    templates[template.id] = template
    raise_problems(problems)
    return list(templates.values())
