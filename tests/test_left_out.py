"""Nothing is lost or joined in silence: graphs that are not ours, and what the data stage says of them."""

from pathlib import Path

import pytest
from domain_small import TEMPLATES, TOC, changed, graph, read_csv, schema, templates
from tatara.data.compose import ended, joined
from tatara.data.graph import Graph, Node
from tatara.data.graph_build import build_graph
from tatara.data.left_out import (
    LIKE_QUESTIONS,
    LONE_NODES,
    MENDED_ANSWERS,
    NOT_CHOSEN,
    OTHER_LABELS,
    REPEATED_PAIRS,
    SAME_QUESTIONS,
    SHARED_NAMES,
    UNFIT_WORDINGS,
    UNUSED_TEMPLATES,
    WITHOUT_PAIR,
    Kind,
    LeftOut,
)
from tatara.data.pairs import make_pairs
from tatara.data.templates import read_templates
from tatara.data.toc import read_toc

PLACE = {"volume": "養蜂の手引き", "chapter": "第1章 巣箱の管理"}
BOOK = [
    ("n:1", {"id": "book", "name": "養蜂の手引き", "label": "Handbook", "description": "手引きである。"}),
    (
        "n:2",
        {"id": "ch-1", "name": "巣箱の管理", "label": "Chapter", "number": "第1章", "description": "管理の章である。"},
    ),
]


def tools(
    *names: str, description: str = "{}のための道具である。", reason: str = "管理の章で{}を述べる。"
) -> tuple[Graph, LeftOut]:
    """Return a graph of a book, a chapter and tools that the chapter explains, and what was left out in making it."""
    nodes, relations = list(BOOK), [("r:0", {"start": "book", "end": "ch-1", "type": "CONTAINS"})]
    for i, name in enumerate(names):
        text = description.format(name)
        nodes.append((f"n:{i}", {"id": f"t{i}", "name": name, "label": "Tool", "description": text}))
        row = {"start": f"t{i}", "end": "ch-1", "type": "EXPLAINED_IN", "reason": reason.format(name), **PLACE}
        relations.append((f"r:{i}", row))
    left_out = LeftOut()
    return build_graph(nodes, relations, schema(), read_toc(TOC), left_out), left_out


def pairs_of(loaded: Graph, *files: Path, **options) -> tuple[list[dict], LeftOut]:
    left_out = LeftOut()
    chosen = read_templates(files, schema()) if files else templates()
    return make_pairs(loaded, chosen, options.get("target_counts"), 1, left_out), left_out


def test_a_graph_of_which_nothing_is_lost_counts_nothing():
    _, left_out = pairs_of(graph())
    lost = {kind.name: count for kind, count in left_out.counts.items()}
    # One wording asks for a next chapter, which the last one has not: the template says that it needs it.
    assert lost == {UNFIT_WORDINGS.name: 1}
    assert UNFIT_WORDINGS.asked_for


def test_names_that_occur_twice_lose_a_pair_that_is_counted_with_both_relations():
    loaded, left_out = tools("刷毛", "刷毛", "薬剤")
    assert left_out.counts[SHARED_NAMES] == 1 and left_out.examples[SHARED_NAMES] == ["刷毛 (t1)"]
    _, clean = tools("刷毛", "薬剤")
    assert clean.counts[SHARED_NAMES] == 0
    nodes = {**loaded.nodes, "t1": Node("t1", "Tool", "刷毛", "", "蜂を払う。")}
    pairs, left_out = pairs_of(Graph(nodes, loaded.relations, loaded.schema, loaded.toc))
    assert left_out.counts[SAME_QUESTIONS] == 2 and left_out.counts[WITHOUT_PAIR] == 1
    assert left_out.examples[WITHOUT_PAIR] == ["t1 -EXPLAINED_IN-> ch-1"]
    assert left_out.examples[SAME_QUESTIONS][0] == (
        "刷毛とは何か。 (t1 -EXPLAINED_IN-> ch-1; kept: t0 -EXPLAINED_IN-> ch-1)"
    )
    assert {pair["start"] for pair in pairs if pair["relation_type"] == "EXPLAINED_IN"} == {"t0", "t2"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("型式2.1", "型式21"), ("Ａ・Ｂ", "AB"), ("Brush", "BRUSH"), ("\ue001", "\ue002"), ("第1-2種", "第12種")],
)
def test_names_that_differ_in_signs_that_do_not_count_are_told_apart_from_equal_ones(one, other):
    loaded, _ = tools(one, other)
    _, left_out = pairs_of(loaded)
    assert left_out.counts[LIKE_QUESTIONS] == 2 and left_out.counts[SAME_QUESTIONS] == 0
    assert f"{other}とは何か。 = {one}とは何か。" in left_out.examples[LIKE_QUESTIONS][0]


def test_names_that_differ_in_a_combining_mark_stay_two():
    # か with the combining voiced sound mark is が: one name in two Unicode forms, which is one question.
    _, left_out = pairs_of(tools("か\u3099", "が")[0])
    assert left_out.counts[LIKE_QUESTIONS] == 2
    _, left_out = pairs_of(tools("か", "が")[0])
    assert left_out.counts[LIKE_QUESTIONS] == 0
    # Devanagari vowel signs and Thai tone marks are part of the word.
    _, left_out = pairs_of(tools("कि", "की", "ไม้", "ไม่")[0])
    assert left_out.counts[LIKE_QUESTIONS] == 0 and left_out.counts[SAME_QUESTIONS] == 0


def test_wordings_that_repeat_one_another_are_counted_apart_from_lost_knowledge(tmp_path):
    path, _ = changed(
        TEMPLATES[0],
        tmp_path / "v1.yaml",
        "'{start.name}とは何か。'",
        "'{start.name}とは何か。', '{start.name} とは、何か？'",
    )
    _, left_out = pairs_of(graph(), path, TEMPLATES[1])
    assert left_out.counts[REPEATED_PAIRS] == 5
    assert left_out.counts[SAME_QUESTIONS] == left_out.counts[LIKE_QUESTIONS] == left_out.counts[WITHOUT_PAIR] == 0


def test_texts_without_an_end_get_one_and_are_counted():
    loaded, _ = tools("刷毛", description="{}は蜂を払う道具", reason="払い方を{}の節で述べる")
    pairs, left_out = pairs_of(loaded)
    answers = [pair["answer"] for pair in pairs if pair["start"] == "t0"]
    for answer in answers:
        assert "刷毛は蜂を払う道具。払い方を刷毛の節で述べる（養蜂の手引き 第1章 巣箱の管理）。" in answer
    assert left_out.counts[MENDED_ANSWERS] == len(answers) == 2
    assert left_out.examples[MENDED_ANSWERS] == ["刷毛は次のように説明される。刷毛は蜂を払う道具"]


def test_a_text_right_before_another_slot_gets_its_end_as_well(tmp_path):
    path, _ = changed(
        TEMPLATES[0],
        tmp_path / "v1.yaml",
        "{start.name}は次のように説明される。{start.description}\n        {reason}（{citation}）",
        "{start.description}{reason}（{citation}）",
    )
    loaded, _ = tools("刷毛", description="{}は蜂を払う道具", reason="払い方を述べる。")
    pairs, left_out = pairs_of(loaded, path, TEMPLATES[1])
    assert "刷毛は蜂を払う道具。払い方を述べる（養蜂の手引き" in pairs[-1]["answer"]
    assert left_out.counts[MENDED_ANSWERS] == 2


def test_a_script_that_is_written_with_spaces_keeps_them():
    loaded, _ = tools("brush", description="A {} moves the bees.", reason="The chapter tells how.")
    pairs, left_out = pairs_of(loaded)
    answer = next(pair["answer"] for pair in pairs if pair["start"] == "t0")
    assert "A brush moves the bees. The chapter tells how." in answer
    assert left_out.counts[MENDED_ANSWERS] == 0


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("堤防である。", "堤防である。"),
        ("堤防である", "堤防である。"),
        ("堤防である（設計編 第1章）", "堤防である（設計編 第1章）。"),
        ("堤防である。（維持管理編（河川編） 第1章）", "堤防である。（維持管理編（河川編） 第1章）"),
        ("「堤防」", "「堤防」。"),
        ("何か？", "何か？"),
        ("次のとおりである：", "次のとおりである："),
        ("A levee", "A levee."),
        ("A levee (of earth)", "A levee (of earth)."),
        ("「か\u3099", "「か\u3099。"),
        ("यह एक बाँध है", "यह एक बाँध है."),
        ("यह एक बाँध है।", "यह एक बाँध है।"),
        ("", ""),
    ],
)
def test_ends(text, whole):
    assert ended(text) == whole


def test_joining():
    assert joined(["堤防である。", "ダムである。"]) == "堤防である。ダムである。"
    assert joined(["A levee.", "A dam."]) == "A levee. A dam."
    assert joined(["A levee.", "ダムである。", "A dam."]) == "A levee.ダムである。A dam."


def test_nodes_and_templates_without_use_are_counted(tmp_path):
    nodes = [*BOOK, ("n:3", {"id": "t", "name": "刷毛", "label": "Document;Tool;Thing", "description": "払う。"})]
    relations = [("r:0", {"start": "book", "end": "ch-1", "type": "CONTAINS"})]
    left_out = LeftOut()
    loaded = build_graph(nodes, relations, schema(), read_toc(TOC), left_out)
    assert left_out.examples[LONE_NODES] == ["刷毛 (t)"]
    assert left_out.examples[OTHER_LABELS] == ["Document (t)", "Thing (t)"]
    _, left_out = pairs_of(loaded)
    unused = [example.split()[0] for example in left_out.examples[UNUSED_TEMPLATES]]
    assert unused == ["bee-explained-what", "bee-contains-how", "generic-why"]


def test_what_is_above_the_target_counts_is_counted_and_asked_for():
    pairs, left_out = pairs_of(graph(), target_counts={"CONTAINS": 4})
    assert left_out.counts[NOT_CHOSEN] == 4 and left_out.examples[NOT_CHOSEN] == ["CONTAINS: 4"]
    assert left_out.totals[NOT_CHOSEN] == len(pairs) + 4 and NOT_CHOSEN.asked_for


def test_the_file_has_every_kind_its_share_and_examples(tmp_path, caplog):
    left_out, kind = LeftOut(), Kind("blue ones")
    left_out.expect(kind, 8)
    left_out.expect(LONE_NODES, 0)
    for example in ("a\nb", "a b", "長" * 300, "c", "d"):
        left_out.add(kind, example)
    with caplog.at_level("INFO", logger="tatara"):
        left_out.write(tmp_path / "left_out.csv")
    first, second = read_csv(tmp_path / "left_out.csv")
    assert (first["what"], first["count"], first["of"], first["share"]) == ("blue ones", "5", "8", "0.625")
    assert first["examples"] == f"a b ／ {'長' * 159}… ／ c"
    assert (second["count"], second["share"], second["examples"]) == ("0", "0.0", "")
    assert [record.message for record in caplog.records] == [f"blue ones: 5 of 8, for example {first['examples']}"]
