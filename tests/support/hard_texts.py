"""Texts that tokenizers read in different ways: spaces, line ends, digits, letters of other widths, rare kanji, emoji,
and the forms of templates; and all text of the domain.
"""

import csv
from pathlib import Path

from pipeline_copy import REPOSITORY
from tatara.data.graph_csv import load_graph
from tatara.data.pairs import make_pairs
from tatara.data.schema import read_schema
from tatara.data.templates import read_templates
from tatara.files.jsonl import read_jsonl

_SENTENCES = (
    "第{n}条の{n}　堤防の高さは、計画高水位に余裕高を加えた{n}.{n} m以上とする。",
    "㎥/s・①②③～～“引用”〈山〉【角】―…‥！？",
    "流量{n},000 m3/s  二つの空白\t字下げ\n改行\n\n",
    "鱻麤龘の{n}号護岸🌊🏞️を 𠮷野川 で点検した👨‍👩‍👧。",
    "ＡＢＣ ＡＢＣ １２３ ｶﾀｶﾅ ヴァイオリン Ω≒±{n}℃",
    "### 指示:\n{n}番の床止めの機能は何か。\n\n### 応答:\n",
    "  行頭の空白{n}\n 次の行\n\n  空の行の後の空白  \n",
    "閘門{n}号と汀線、朶と枡を吃水{n} mの船で見る",
)
HARD = [sentence.format(n=n) for n in (0, 7, 12, 365, 2026) for sentence in _SENTENCES]
# Spaces alone, line ends first, bytes and ▁ written out: no prompt has them, a tokenizer must read them all the same.
EDGES = [
    " ",
    "   ",
    "\n",
    "\n\n 改行から",
    "行\r\n次",
    "\t",
    "▁下線▁",
    "<0xE9>",
    "é がぎ",
    "\u3000全角の空白\u3000",
    "あ\n",
]
# Line ends, tabs and spaces in rows: some vocabularies have a token for each length, up to a longest one.
ROWS_OF_ONE = [
    f"堤防{character * count}護岸" for character in "\n\t " for count in (1, 2, 3, 7, 16, 30, 31, 32, 33, 62, 74)
]


def _csv(file: Path) -> list[dict]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def pairs() -> list[dict]:
    """Return all pairs of the paper's study, as the pipeline makes them of the graph and the templates."""
    resources = REPOSITORY / "resources"
    schema = read_schema(resources / "graph/schema.yaml")
    nodes, relations = (
        [resources / f"graph/{kind}_{part}.csv" for part in ("structure", "domain")] for kind in ("nodes", "relations")
    )
    facts = [resources / "graph/facts.csv"]
    graph = load_graph(nodes, relations, schema, resources / "graph/toc.csv", fact_files=facts)
    templates = read_templates([resources / f"templates/v{version}.yaml" for version in (1, 2, 3, 4)], schema)
    counts = {row["relation_type"]: int(row["pairs"]) for row in _csv(resources / "paper/relations.csv")}
    return make_pairs(graph, templates, counts, seed=42)


def questions() -> list[dict]:
    """Return the test set."""
    return read_jsonl(REPOSITORY / "resources/testset/test_set_200.jsonl")


def standards() -> list[str]:
    """Return the lines of the standards' own text, which lies beside the checkout or not at all."""
    folders = (folder / "shared/corpus" for folder in REPOSITORY.parents)
    folder = next((folder for folder in folders if folder.is_dir()), None)
    files = sorted(folder.glob("0*.md")) if folder else []
    return [line for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]
