"""From documents to the draft of a domain."""

from collections import Counter
from pathlib import Path

from tatara.draft.accept import accept
from tatara.draft.document import Document
from tatara.draft.domain import write_draft, write_schema, write_study, write_texts
from tatara.draft.fact_drafts import fact_drafts
from tatara.draft.graph_rows import Places, places, relation_rows, term_rows
from tatara.draft.language_model import UNFINISHED, LanguageModel
from tatara.draft.outline import Outline, Volume
from tatara.draft.phrases import phrase_finder
from tatara.draft.question_rows import fact_rows, question_rows
from tatara.draft.readers import read_documents
from tatara.draft.record import edited, is_draft, write_record
from tatara.draft.relation_patterns import relation_drafts
from tatara.draft.review_page import refresh_review_page
from tatara.draft.rules import Rules, language_of, read_rules
from tatara.draft.statements import Statement, sentences, statement
from tatara.draft.structure import read_outlines
from tatara.draft.table import Row
from tatara.draft.terms import TermCounts
from tatara.job.errors import InputError
from tatara.job.progress import Progress

DEFINITION = "definition"
LANGUAGES = ("ja", "en")


def volumes_of(outlines: list[Outline]) -> list[Volume]:
    """Return the volumes in the order of the documents, each once."""
    return list({id(outline.volume): outline.volume for outline in outlines}.values())


def read_statements(outlines: list[Outline], rules: Rules) -> tuple[list[Statement], TermCounts]:
    """Return the statements of all documents, and the counts of their noun phrases, in one pass."""
    find, counts, found = phrase_finder(rules), TermCounts(rules), []
    numbers: dict[int, int] = {}
    for outline in Progress(outlines, "sentences of the documents"):
        for sentence in sentences(outline, rules):
            place = sentence.place.section or sentence.place.chapter
            section = numbers.setdefault(id(place), len(numbers))
            if rules.sentence.fullmatch(sentence.text):  # lists of references and captions have no end
                counts.add(sentence.text, find(sentence.text), section)
            if stated := statement(sentence, rules, find):
                found.append(stated)
    for stated in found:
        if stated.kind:
            counts.add_topic(stated.about, stated.kind == DEFINITION)
    for volume in volumes_of(outlines):
        for place in [*volume.chapters, *(section for chapter in volume.chapters for section in chapter.sections)]:
            if len(heading := find(place.name)) == 1 and heading[0].end - heading[0].start == len(place.name):
                counts.add_topic(heading, sure=True)
    return found, counts


def _rules(documents: list[Document], repository: Path, language: str | None, rules: Path | None) -> Rules:
    language = language or language_of("".join(document.text for document in documents))
    if language not in LANGUAGES and rules is None:
        raise InputError(
            f"there are no rules for the language {language}; expected one of {', '.join(LANGUAGES)}, or a file of "
            "your own by RULES=FILE (resources/draft/ja.yaml is the example)"
        )
    return read_rules(rules or repository / "resources" / "draft" / f"{language}.yaml")


def _check_folder(folder: Path) -> None:
    if is_draft(folder):
        if changed := edited(folder):
            raise InputError(
                f"{folder}: {', '.join(changed)} changed since the draft was made: it is reviewed or edited, and a new "
                "draft would lose that; give another OUT, or move the folder away"
            )
    elif any(path.is_file() and path.name != UNFINISHED for path in folder.rglob("*")):
        raise InputError(f"{folder} holds files that are no draft; give an OUT that is empty or not there yet")


def _tables(outlines: list[Outline], rules: Rules, structure: Places) -> dict[str, list[Row]]:
    """Return the rows of the draft's tables: those of the structure, and what the sentences give."""
    statements, counts = read_statements(outlines, rules)
    terms = counts.ranked()
    by_words = counts.lookup(terms)
    facts = fact_drafts((stated for stated in statements if stated.kind), by_words)
    nodes, stated_in = term_rows(terms, facts, structure.ids)
    known = {row["id"] for row in nodes}
    relations = relation_rows(relation_drafts(statements, by_words, rules), known)
    return {
        "nodes": structure.nodes + nodes,
        "relations": structure.relations + stated_in + relations,
        "facts": fact_rows(facts, known, structure.ids),
        "questions": question_rows(facts, rules),
    }


def draft_domain(
    patterns: list[str],
    folder: Path,
    repository: Path,
    language: str | None = None,
    rules_file: Path | None = None,
    model: LanguageModel | None = None,
) -> dict[str, int]:
    """Make the draft of a domain, and the domain's files with what needs no review: the table of contents.

    Args:
        patterns: files, or glob patterns of files.
        folder: where the domain goes; its name is the study's.
        repository: holds resources/draft, and is what the study's paths are relative to.
        language: `ja` or `en`; found from the text where it is None.
        rules_file: rules in place of those of the language.
        model: a language model that proposes more relations and facts; kept is what its evidence holds up.

    Returns:
        How many documents, chapters, sections, terms, relations, facts and questions were drafted.

    Raises:
        InputError: no file, a file that cannot be read or holds no text, a document without a heading, a folder that
            holds a review; no server, no such model.
    """
    _check_folder(folder)
    documents = read_documents(patterns)
    rules = _rules(documents, repository, language, rules_file)
    outlines = read_outlines(documents)
    structure = places(volumes_of(outlines), rules)
    tables = _tables(outlines, rules, structure)
    if not tables["questions"]:
        raise InputError(
            f"{', '.join(patterns)}: no sentence states a fact that could be asked for; expected running text with "
            f"values, conditions or definitions in the language {rules.language} (LANG=ja or LANG=en sets another)"
        )
    if model:
        prompt = repository / "resources" / "draft" / f"propose_{rules.language}.md"
        model.add_to(tables, outlines, structure, rules, prompt, folder)
    write_texts(folder, documents)
    write_draft(folder, structure, tables)
    write_schema(folder / "schema.yaml", rules, volumes_of(outlines), tables["relations"], tables["questions"])
    write_study(folder, repository, rules, volumes_of(outlines)[0].name if len(documents) == 1 else folder.name)
    write_record(folder)
    refresh_review_page(folder)
    accept(folder, repository)
    labels = Counter(row["label"] for row in tables["nodes"])
    return {
        "documents": len(documents),
        "chapters": labels["Chapter"],
        "sections": labels["Section"],
        "terms": labels["Term"],
        "relations": len(tables["relations"]) - len(structure.relations),
        "facts": len(tables["facts"]),
        "questions": len(tables["questions"]),
    }
