"""Facts as rows, and drafts of test questions from facts that are spread over the sections."""

import re
from collections import defaultdict

from tatara.data.facts import BETWEEN_TERMS, fact_id
from tatara.draft.fact_drafts import FactDraft, place_key
from tatara.draft.graph_rows import cited, evidence, term_id
from tatara.draft.rules import Rules
from tatara.draft.table import DRAFT, Row
from tatara.files.normalise import squeeze

QUESTIONS = 30
LONGEST_TOPIC = 0.45  # share of a question that its topic may be: the rest is what training questions do not have
_NUMBER, _UNIT = r"\d+(?:[.,]\d+)*", r"(?: ?(?!to\b)(?:[^\W\d_\u3041-\u3096]{1,3}(?![^\W\d_\u3041-\u3096])|%|℃|°))?"
_QUANTITY = re.compile(rf"(?<![A-Za-z\d]){_NUMBER}{_UNIT}(?: ?(?:~|-|から|to) ?{_NUMBER}{_UNIT})?")


def fact_rows(drafts: list[FactDraft], known: set[str], ids: dict) -> list[Row]:
    """Return the facts as rows; one whose term is no node belongs to its section, or to its chapter."""
    rows = {}
    for draft in drafts:
        statement, sentence = draft.statement, draft.statement.sentence
        node, name = ids[place_key(sentence.outline, sentence.place)], ""
        if draft.node and term_id(draft.node) in known:
            node, name = term_id(draft.node), draft.node.name
        row = {"id": fact_id(node, statement.text), "status": DRAFT, "score": f"{draft.score:.2f}", "node": node}
        row |= {"node_name": name, "kind": statement.kind, "topic": statement.topic, "text": statement.text}
        row |= {"terms": BETWEEN_TERMS.join(term.name for term in draft.key_terms)}
        rows.setdefault(row["id"], row | cited(sentence.outline, sentence) | evidence(sentence))
    return list(rows.values())


def required(draft: FactDraft) -> list[str]:
    """Return what an answer has to hold: the quantities of a sentence, else its terms, but for those that are asked."""
    text, topic = draft.statement.text, squeeze(draft.statement.topic)
    found = [match[0].strip() for match in _QUANTITY.finditer(text)]
    found = [quantity for quantity in found if len(quantity) > 1]  # a bare digit stands in many an answer by chance
    found = found or [term.name for term in draft.key_terms]
    return [part for part in dict.fromkeys(found) if squeeze(part) not in topic and squeeze(part) in squeeze(text)][:3]


def _by_section(drafts: list[FactDraft]) -> list[list[FactDraft]]:
    """Return the facts of each section, best first, in the order of the documents."""
    sections: dict[tuple, list[FactDraft]] = defaultdict(list)
    for draft in drafts:
        if required(draft) and draft.score >= 0.5:
            sentence = draft.statement.sentence
            sections[place_key(sentence.outline, sentence.place)].append(draft)
    return [sorted(found, key=lambda draft: (-draft.score, draft.statement.text)) for found in sections.values()]


def _question(draft: FactDraft, number: int, rules: Rules) -> str | None:
    wordings = rules.words["questions"][draft.statement.kind]
    for turn in range(len(wordings)):
        question = wordings[(number + turn) % len(wordings)].format(topic=draft.statement.topic)
        if len(draft.statement.topic) <= LONGEST_TOPIC * len(question):
            return question
    return None


def question_rows(drafts: list[FactDraft], rules: Rules, count: int = QUESTIONS) -> list[Row]:
    """Return drafts of test questions, the sections taken in turn at even distances.

    Each asks for one fact, by its topic, and in words that no template has; its category is the document.
    """
    sections, rows, asked = _by_section(drafts), [], set()
    for turn in range(max(map(len, sections), default=0)):
        left = [found[turn] for found in sections if turn < len(found)]
        wanted = min(count - len(rows), len(left))
        chosen = [left[step * len(left) // wanted] for step in range(wanted)] if wanted > 0 else []
        for draft in [*chosen, *(draft for draft in left if draft not in chosen)]:
            question = _question(draft, len(rows), rules)
            if len(rows) < count and question and question not in asked:
                asked.add(question)
                rows.append(_row(draft, question, len(rows) + 1, rules))
    return rows


def _row(draft: FactDraft, question: str, number: int, rules: Rules) -> Row:
    statement, sentence = draft.statement, draft.statement.sentence
    place = cited(sentence.outline, sentence)
    reference = rules.words["reference"].format(
        text=statement.text.rstrip("。."), place=" ".join(filter(None, place.values()))
    )
    row = {"id": f"q{number:03d}", "status": DRAFT, "score": f"{draft.score:.2f}", "category": place["volume"]}
    row |= {"difficulty": "standard", "question": question, "reference": reference}
    return row | {"facts": BETWEEN_TERMS.join(required(draft))} | place | evidence(sentence)
