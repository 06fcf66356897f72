"""The folder of a drafted domain: draft/, schema, table of contents, study configuration."""

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import yaml

from tatara.data.toc import COLUMNS as TOC_COLUMNS
from tatara.draft.document import Document
from tatara.draft.graph_rows import STATED_IN, Places
from tatara.draft.outline import Volume
from tatara.draft.rules import Rules
from tatara.draft.table import Row, write_table
from tatara.files.text import write_csv, write_text

STUDY = """\
# Drafted from documents. {advice}
study:
  title: {title}
  notice: {notice}
graph:
  nodes: [{nodes}]
  relations: [{relations}]
  facts: [{facts}]
  schema: {schema}
  toc: {toc}
qa:
  templates: [{templates}] # for every relation type and kind of facts; write your own for the types that matter
  diversity_sample: 8
subsets:
  sizes: [8] # set by make accept
probe:
  items: 200
testset:
  file: {test_set}
  label: all # drafts (label: draft) and accepted questions (label: curated)
chat:
  system: {system}
models: # a stand-in that shows within minutes whether the data holds; take real ones from config/paper.yaml
  stand-in:
    name: Stand-in
    formats: [f16, q4]
    source:
      scratch:
        {{architecture: qwen2, tokenizer: qwen2, vocab_size: {vocabulary}, layers: 1, intermediate_size: 256,
         kv_heads: 1, seed: 1, steps: 8, batch_size: 2, block: 64}}
train:
  epochs: 1
stage1:
  model: stand-in
parity:
  lines: 2
evaluate:
  max_new_tokens: 16
  context: 2048
statistics:
  resamples: 200
"""
ADVICE = "`make accept` copies accepted rows of draft/*.csv into these files (docs/new-domain.md)."
VOCABULARY = 1024  # of the stand-in's tokenizer: bytes and what a small text has of merges


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, allow_unicode=True, width=10**6, default_style='"').strip()


def write_schema(path: Path, rules: Rules, volumes: list[Volume], relations: list[Row], questions: list[Row]) -> None:
    """Write schema.yaml: the labels, the relation types that the draft has, one category for each document."""
    used = {row["type"] for row in relations}
    words = rules.words
    types = {
        "HAS_CHAPTER": {"name": words["structural"]["HAS_CHAPTER"], "from": ["Document"], "to": ["Chapter"]},
        "HAS_SECTION": {"name": words["structural"]["HAS_SECTION"], "from": ["Chapter"], "to": ["Section"]},
    }
    types = {type_: entry | {"structural": True} for type_, entry in types.items()}
    types[STATED_IN] = {"name": words["stated_in"], "from": ["Term"], "to": ["Chapter"]}
    for type_, entry in words["relations"].items():
        types[type_] = {"name": entry["name"], "from": ["Term"], "to": ["Term"]}
    asked = Counter(row["category"] for row in questions)
    content = {
        "labels": words["labels"],
        "relations": {type_: entry for type_, entry in types.items() if type_ in used},
        "categories": {volume.name: asked[volume.name] for volume in volumes},
        "volume_category": {volume.name: volume.name for volume in volumes},
    }
    write_text(path, yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110))


def _paths(folder: Path, repository: Path) -> dict[str, str]:
    """Return the domain's files as the study names them: relative to the repository where they lie in it."""
    folder = folder.resolve()
    inside = folder.is_relative_to(repository.resolve())
    name = Path(os.path.relpath(folder, repository.resolve())) if inside else folder
    paths = {key: str(name / f"{key}.csv") for key in ("nodes", "relations", "facts", "toc")}
    paths |= {"schema": str(name / "schema.yaml"), "test_set": str(name / "test_set.jsonl")}
    # A path with a comma or a space needs quotes in YAML.
    return {key: path if re.fullmatch(r"[\w./-]+", path) else json.dumps(path) for key, path in paths.items()}


def write_study(folder: Path, repository: Path, rules: Rules, title: str) -> None:
    """Write the study's configuration, OUT/NAME.yaml: domain and study in one file, with a stand-in model."""
    english = "" if rules.language == "ja" else f"_{rules.language}"
    text = STUDY.format(
        advice=ADVICE,
        title=_quoted(title),
        notice=_quoted(rules.words["notice"]),
        **_paths(folder, repository),
        templates=f"resources/templates/generic{english}.yaml",
        system=_quoted(rules.words["system"].format(title=title)),
        vocabulary=VOCABULARY,
    )
    write_text(folder / f"{folder.name}.yaml", text)


def write_texts(folder: Path, documents: list[Document]) -> None:
    """Write the text of each document that the spans of the draft are counted in: draft/text/NAME.txt."""
    shutil.rmtree(folder / "draft" / "text", ignore_errors=True)  # of an earlier draft, of other documents
    for document in documents:
        write_text(folder / "draft" / "text" / f"{document.name}.txt", document.text)


def write_draft(folder: Path, places: Places, tables: dict[str, list[Row]]) -> None:
    """Write toc.csv and the tables of the draft."""
    write_csv(folder / "toc.csv", list(TOC_COLUMNS), places.toc)
    for table, rows in tables.items():
        write_table(folder, table, rows)
