"""A domain is drafted from a text of two pages: every row has its evidence, nothing is taught that nobody accepted."""

import csv
import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_copy import REPOSITORY
from tatara.data.graph_csv import load_graph
from tatara.data.overlap import overlap
from tatara.data.pairs import make_pairs
from tatara.data.schema import read_schema
from tatara.data.templates import read_templates
from tatara.data.testset import load_testset
from tatara.data.toc import read_toc
from tatara.draft.accept import accept, sizes_for
from tatara.draft.build import draft_domain
from tatara.draft.phrases import phrase_finder
from tatara.draft.relation_patterns import relation_drafts
from tatara.draft.rules import language_of, read_rules
from tatara.draft.statements import Sentence, shortened, statement
from tatara.draft.table import COLUMNS
from tatara.draft.terms import Term
from tatara.files.config import read_config
from tatara.job.errors import InputError

HANDBOOK = REPOSITORY / "tests/data/beekeeping/handbook.md"
ENGLISH = """\
A Beekeeping Handbook

Chapter 1 Looking after the hive

1.1 Inspection

An inspection is the act of opening the hive to check the queen, the brood and the stores. From spring to summer an
inspection must be made every 7 to 10 days. If the air is colder than 15 °C, the hive must stay closed.

Chapter 2 Pests

2.1 Mites

The varroa mite is a parasite that weakens bees and brood. The infestation rate is defined as the share of bees that
carry a mite. Treatment reduces the varroa mite, and must begin when the infestation rate exceeds 3 %.
"""


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, content: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(content[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)


def set_status(folder: Path, table: str, status: str, wanted) -> None:
    """Do what a reviewer does: set the status of the rows that are wanted."""
    path = folder / "draft" / f"{table}.csv"
    write_rows(path, [row | {"status": status} if wanted(row) else row for row in rows(path)])


@pytest.fixture(scope="module")
def drafted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("draft") / "bee"
    draft_domain([str(HANDBOOK)], folder, REPOSITORY)
    return folder


@pytest.fixture
def bee(drafted, tmp_path) -> Path:
    return shutil.copytree(drafted, tmp_path / "bee")


def graph_of(folder: Path):
    files = ([folder / "nodes.csv"], [folder / "relations.csv"])
    return load_graph(
        *files, read_schema(folder / "schema.yaml"), folder / "toc.csv", fact_files=[folder / "facts.csv"]
    )


# ---- the draft ----


def test_every_row_leads_back_to_its_sentence(drafted):
    text = (drafted / "draft/text/handbook.md.txt").read_text(encoding="utf-8")
    toc = {tuple(row.values()) for row in rows(drafted / "toc.csv")}
    cited = {
        (volume, f"{c_number} {chapter}", f"{s_number} {section}")
        for volume, c_number, chapter, s_number, section in toc
    }
    found = 0
    for table in COLUMNS:
        for row in rows(drafted / "draft" / f"{table}.csv"):
            if not row["evidence"]:
                assert row["status"] == "accepted"  # a place of the table of contents
                continue
            found += 1
            assert text[int(row["span_start"]) : int(row["span_end"])] == row["evidence"]
            assert row["status"] == "draft" and row["file"] == "handbook.md" and row["heading"]
            assert 0 <= float(row["score"]) <= 1
            if "volume" in row:
                assert (row["volume"], row["chapter"], row["section"]) in cited
    assert found > 60


def test_the_table_of_contents_is_that_of_the_text(drafted):
    toc = [
        (row["chapter_number"], row["chapter"], row["section_number"], row["section"])
        for row in rows(drafted / "toc.csv")
    ]
    assert toc[:3] == [
        ("第1章", "巣箱の管理", "", ""),
        ("第1章", "巣箱の管理", "第1節", "内検"),
        ("第1章", "巣箱の管理", "第2節", "給餌"),
    ]
    assert len(toc) == 9


def test_facts_have_a_kind_a_topic_a_term_and_their_place(drafted):
    facts = {row["text"]: row for row in rows(drafted / "draft/facts.csv")}
    expected = {
        "寄生率とは、調べた蜂のうちダニが付いているものの割合をいう。": ("definition", "寄生率", "寄生率"),
        "春から夏の内検は、7日から10日の間隔で行うことを基本とする。": ("value", "春から夏の内検", "内検"),
        "蜜蓋が少ない巣板の蜜は、水分が多く発酵しやすいため、採らずに群れへ戻す。": ("reason", "巣板の蜜", "巣板"),
        "手回しの遠心分離器は、電動の遠心分離器に比べて遅いが、巣板を壊すおそれが小さい。": (
            "comparison",
            "手回しの遠心分離器",
            "遠心分離器",
        ),
        "採蜜の時刻は、新しい花蜜が混じらない早朝とすることが望ましい。": ("condition", "採蜜の時刻", "採蜜"),
    }
    assert {
        text: (facts[text]["kind"], facts[text]["topic"], facts[text]["node_name"]) for text in expected
    } == expected
    assert all(30 <= len(text) <= 120 for text in facts)
    assert not any("この時期" in text for text in facts)  # points to the sentence before it


def test_terms_of_the_text_are_nodes_and_general_words_are_not(drafted):
    names = {row["name"] for row in rows(drafted / "draft/nodes.csv") if row["label"] == "Term"}
    assert {"遠心分離器", "寄生率", "燻煙器", "捕殺器", "ミツバチヘギイタダニ", "内検"} <= names
    assert not names & {"場合", "必要", "作業", "結果", "基本", "こと"}


def test_relations_between_terms_carry_their_sentence(drafted):
    found = {(row["start_name"], row["type"], row["end_name"]): row for row in rows(drafted / "draft/relations.csv")}
    assert ("捕殺器", "PREVENTS", "スズメバチ") in found
    assert found["ミツバチヘギイタダニ", "IS_A", "ダニ"]["reason"].endswith("寄生性のダニである。")


def test_the_same_documents_give_the_same_files(drafted, tmp_path):
    draft_domain([str(HANDBOOK)], tmp_path / "bee", REPOSITORY)
    files = [path.relative_to(drafted) for path in sorted(drafted.rglob("*")) if path.is_file()]
    assert len(files) == 14
    different = [str(name) for name in files if not filecmp.cmp(drafted / name, tmp_path / "bee" / name, shallow=False)]
    assert different == [
        "bee.yaml",
        "draft/made.json",
    ]  # the study names the folder that it lies in, which has a digest


def test_an_english_text_is_drafted_in_english(tmp_path):
    (tmp_path / "handbook.txt").write_text(ENGLISH, encoding="utf-8")
    draft_domain([str(tmp_path / "handbook.txt")], tmp_path / "bee", REPOSITORY)
    facts = {row["text"]: row for row in rows(tmp_path / "bee/draft/facts.csv")}
    assert facts["The infestation rate is defined as the share of bees that carry a mite."]["kind"] == "definition"
    assert facts["From spring to summer an inspection must be made every 7 to 10 days."]["topic"] == "inspection"
    relations = {(r["start_name"], r["type"], r["end_name"]) for r in rows(tmp_path / "bee/draft/relations.csv")}
    assert ("Treatment", "PREVENTS", "varroa mite") in relations
    counts = accept(tmp_path / "bee", REPOSITORY, everything=True)
    assert counts["pairs"] > 50


# ---- what is taken over ----


def test_nothing_is_taught_that_nobody_accepted(drafted):
    assert {row[":LABEL"] for row in rows(drafted / "nodes.csv")} == {"Document", "Chapter", "Section"}
    assert not rows(drafted / "facts.csv")
    assert {row[":TYPE"] for row in rows(drafted / "relations.csv")} == {"HAS_CHAPTER", "HAS_SECTION"}
    questions = [json.loads(line) for line in (drafted / "test_set.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["label"] for row in questions} == {"draft"}


def test_accepted_rows_are_taken_over_as_they_were_edited(bee):
    set_status(bee, "nodes", "accepted", lambda row: row["name"] in ("寄生率", "ダニ"))
    set_status(bee, "nodes", "rejected", lambda row: row["name"] == "ミツバチヘギイタダニ")
    set_status(bee, "relations", "accepted", lambda row: row["start_name"] in ("寄生率", "ミツバチヘギイタダニ"))
    set_status(bee, "facts", "accepted", lambda row: row["node_name"] in ("寄生率", "ミツバチヘギイタダニ"))
    set_status(bee, "questions", "accepted", lambda row: row["id"] == "q001")
    set_status(bee, "questions", "rejected", lambda row: row["id"] == "q002")
    path = bee / "draft/nodes.csv"
    write_rows(
        path, [r | {"description": "調べた蜂に占める割合。"} if r["name"] == "寄生率" else r for r in rows(path)]
    )
    counts = accept(bee, REPOSITORY)
    graph = graph_of(bee)
    terms = {node.name: node for node in graph.nodes.values() if node.label == "Term"}
    assert set(terms) == {"寄生率", "ダニ"}
    assert terms["寄生率"].description == "調べた蜂に占める割合。"
    # A relation goes with its ends; a fact of a term that was rejected belongs to its section.
    assert [r.start for r in graph.relations if r.type == "STATED_IN"] == [terms["寄生率"].id]
    mite = next(fact for fact in graph.facts if "寄生性のダニ" in fact.wordings[0])
    assert graph.nodes[mite.node].label == "Section" and graph.nodes[mite.node].name == "ダニ"
    labels = {
        json.loads(line)["id"]: json.loads(line)["label"] for line in (bee / "test_set.jsonl").open(encoding="utf-8")
    }
    assert labels["q001"] == "curated" and "q002" not in labels and labels["q003"] == "draft"
    assert counts["facts"] == len(graph.facts)


def test_a_draft_can_be_studied_as_it_is(bee):
    counts = accept(bee, REPOSITORY, everything=True)
    config = read_config([bee / "bee.yaml"], REPOSITORY)
    graph, schema = graph_of(bee), read_schema(bee / "schema.yaml")
    questions = load_testset(bee / "test_set.jsonl", schema, read_toc(bee / "toc.csv"))
    assert len(questions) == counts["questions"] >= 15
    templates = read_templates([REPOSITORY / path for path in config["qa"]["templates"]], schema)
    pairs = make_pairs(graph, templates, None, 42)
    assert max(config["subsets"]["sizes"]) <= counts["pairs"] <= len(pairs)
    assert any("7日から10日" in pair["answer"] for pair in pairs)
    overlap(questions, pairs, config["testset"]["threshold"])


def test_sizes_fit_the_pairs():
    assert sizes_for(100) == [24, 48, 96]
    assert sizes_for(9) == [8]
    assert sizes_for(10**6)[-1] == 2000
    with pytest.raises(InputError, match="accept more rows"):
        sizes_for(5)


# ---- mistakes ----


def test_a_review_is_never_written_over(bee):
    set_status(bee, "facts", "accepted", lambda row: row["kind"] == "definition")
    before = (bee / "draft/facts.csv").read_bytes()
    with pytest.raises(InputError, match=r"draft/facts\.csv changed since the draft was made"):
        draft_domain([str(HANDBOOK)], bee, REPOSITORY)
    assert (bee / "draft/facts.csv").read_bytes() == before


def test_an_edited_study_is_never_written_over(bee):
    study = bee / "bee.yaml"
    study.write_text(study.read_text(encoding="utf-8").replace("epochs: 1", "epochs: 2"), encoding="utf-8")
    with pytest.raises(InputError, match=r"bee\.yaml changed"):
        draft_domain([str(HANDBOOK)], bee, REPOSITORY)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="holds files that are no draft"):
        draft_domain([str(HANDBOOK)], tmp_path, REPOSITORY)


def test_an_unreviewed_draft_is_made_again(bee):
    accept(bee, REPOSITORY, everything=True)
    (bee / "draft/facts.csv").unlink()
    draft_domain([str(HANDBOOK)], bee, REPOSITORY)
    assert len(rows(bee / "draft/facts.csv")) > 15
    assert not rows(bee / "facts.csv")  # what was taken over from the draft before it is taken back


def test_a_wrong_status_is_named_with_its_line(bee):
    set_status(bee, "facts", "acepted", lambda row: row["kind"] == "exception" or row["topic"] == "寄生率")
    with pytest.raises(InputError, match=r"facts\.csv:\d+: unknown status 'acepted'; did you mean accepted\?"):
        accept(bee, REPOSITORY)


def test_a_text_without_facts_is_named(tmp_path):
    (tmp_path / "a.md").write_text("# 手引き\n\n## 巣箱\n\n短い。\n", encoding="utf-8")
    with pytest.raises(InputError, match="no sentence states a fact"):
        draft_domain([str(tmp_path / "a.md")], tmp_path / "out", REPOSITORY)


def test_rules_are_checked(tmp_path):
    text = (REPOSITORY / "resources/draft/ja.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text.replace("sentence: '", "sentence: '("), encoding="utf-8")
    with pytest.raises(InputError, match="no regular expression"):
        read_rules(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text(text.replace("strong:", "stong:"), encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.yaml:\d+: .*stong"):
        read_rules(tmp_path / "b.yaml")


def test_the_program_says_what_is_wrong(tmp_path):
    command = [sys.executable, REPOSITORY / "tools/draft.py", tmp_path / "out", f"{tmp_path}/*.md"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: ") and "no such file; check DOCS" in done.stderr


# ---- sentences ----


@pytest.fixture(scope="module")
def ja():
    rules = read_rules(REPOSITORY / "resources/draft/ja.yaml")
    return rules, phrase_finder(rules)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("また、巣門の高さは８ｍｍ以下とする（図-3参照）。", "巣門の高さは8mm以下とする。"),
        ("このため、前述のとおり、巣門の高さは8mm以下とする[12]。", "巣門の高さは8mm以下とする。"),
        ("（２）　巣　門の高さは、1,200 mm以下とする。", "巣門の高さは、1,200 mm以下とする。"),
    ],
)
def test_sentences_are_shortened_by_rule(ja, sentence, expected):
    assert shortened(sentence, ja[0]) == expected


def stated(ja, text: str):
    return statement(Sentence(None, None, text, 0, len(text)), *ja)


@pytest.mark.parametrize(
    "sentence",
    [
        "これは、群れが冬を越すために必要な貯蜜の量を示すものであり、毎年確かめる必要がある。",
        "群れが冬を越すために必要な貯蜜の量は、次のとおりとすることを基本とする。",
        "内検の間隔は、平成9年の通達により、7日から10日とすることを基本とする。",
        "群れが冬を越すために必要な貯蜜の量は、式(3)により求めることを基本とする。",
        "群れが冬を越すために必要な貯蜜の量を毎年の秋に確かめ、足りない群れへの給餌を",
        "貯蜜は多い。",
        "地域の養蜂家の多くが集まり、秋の見回りの回数や時刻をめぐって長い時間をかけて話し合った。",
    ],
)
def test_what_cannot_stand_alone_is_no_fact(ja, sentence):
    found = stated(ja, sentence)
    assert found is None or not found.kind


@pytest.mark.parametrize(
    ("sentence", "relation"),
    [
        (
            "養蜂器具は、燻煙器、遠心分離器及び捕殺器から構成されることを標準とする。",
            ("養蜂器具", "CONSISTS_OF", "捕殺器"),
        ),
        (
            "捕殺器は、スズメバチによる群れへの被害を軽減するため、巣門に設けることを基本とする。",
            ("捕殺器", "PREVENTS", "スズメバチ"),
        ),
        (
            "長雨により、腐蛆病が発生する場合があるため、巣箱の底を乾かしておく必要がある。",
            ("長雨", "CAUSES", "腐蛆病"),
        ),
        (
            "越冬準備の後には、寄生率測定を行うものとし、巣門を狭めることを基本とする。",
            ("越冬準備", "PRECEDES", "寄生率測定"),
        ),
        (
            "採蜜作業に当たっては、遠心分離器を必要とし、前日までに洗っておくことを基本とする。",
            ("採蜜作業", "REQUIRES", "遠心分離器"),
        ),
        (
            "粉砂糖は、寄生率の測定に用いるもので、群れへの負担が小さい方法とすることが望ましい。",
            ("粉砂糖", "USED_FOR", "寄生率"),
        ),
    ],
)
def test_patterns_find_relations(ja, sentence, relation):
    found = stated(ja, sentence)
    names = {phrase.words: found.text[phrase.start : phrase.end] for phrase in found.phrases}
    terms = {words: Term(words, name, 1, 1.0) for words, name in names.items() if name in relation}
    drafts = relation_drafts([found], terms, ja[0])
    assert [(draft.start.name, draft.type, draft.end.name) for draft in drafts] == [relation]
    assert drafts[0].statement.text == sentence


def test_the_language_is_told_by_its_kana():
    assert language_of("採蜜の時刻は早朝とする。") == "ja"
    assert language_of("The smoker calms bees. 蜂") == "en"
