"""Names of places that carry their chapter number: they are cited and asked about with the number once."""

from pathlib import Path

import pytest
from domain_small import NODES, RELATIONS, TOC, changed, graph, read_csv, schema, templates
from pipeline_copy import REPOSITORY
from tatara.data.graph import write_graph
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import NUMBERED_NAMES, LeftOut
from tatara.data.numbering import split_number
from tatara.data.pairs import make_pairs
from tatara.data.schema import read_schema
from tatara.data.toc import Citation, Toc, read_toc
from tatara.files.strict_yaml import read_yaml

FORMS = ("第{}章 {}", "第{}章　{}", "第{}章{}", "第{}章：{}")


def numbered(path: Path, form: str, number: str) -> Path:
    """Write the small domain's nodes with the numbers of chapters in their names, and `number` in their own column."""
    lines = []
    for line in NODES.read_text(encoding="utf-8").splitlines():
        id_, name, label, own, description = line.split(",")
        if label == "Chapter":
            name, own = form.format(own[1:-1], name), number.format(own)
        lines.append(",".join((id_, name, label, own, description)))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("number", ["", "{}"])
@pytest.mark.parametrize("form", FORMS)
def test_the_graph_is_the_same_as_with_the_number_in_its_own_column(tmp_path, form, number):
    left_out = LeftOut()
    loaded = load_graph([numbered(tmp_path / "n.csv", form, number)], [RELATIONS], schema(), TOC, left_out)
    assert loaded == graph()
    assert left_out.counts[NUMBERED_NAMES] == 3
    assert (
        left_out.examples[NUMBERED_NAMES][0] == f"{' '.join(form.format(1, '巣箱の管理').split())} → 第1章, 巣箱の管理"
    )
    assert make_pairs(loaded, templates(), None, 1) == make_pairs(graph(), templates(), None, 1)
    written = [tmp_path / name for name in ("nodes.csv", "relations.csv", "facts.csv")]
    write_graph(loaded, *written)
    assert load_graph(written[:1], written[1:2], schema(), TOC) == graph(), "reading it again changes nothing"


def test_no_question_says_the_number_twice(tmp_path):
    loaded = load_graph([numbered(tmp_path / "n.csv", FORMS[0], "{}")], [RELATIONS], schema(), TOC)
    texts = [pair["question"] + pair["answer"] for pair in make_pairs(loaded, templates(), None, 1)]
    assert any("「第1章 巣箱の管理」" in text for text in texts)
    assert not any("第1章 第1章" in text or "第1章第1章" in text for text in texts)


def test_a_table_of_contents_may_carry_the_number_in_the_name_as_well(tmp_path):
    both, _ = changed(TOC, tmp_path / "toc.csv", "第3章,採蜜,,", "第3章,第3章 採蜜,,")
    assert read_toc(both) == read_toc(TOC)
    only, _ = changed(TOC, tmp_path / "toc.csv", "第3章,採蜜,,", ",第3章 採蜜,,")
    assert read_toc(only).places == read_toc(TOC).places
    assert load_graph([numbered(tmp_path / "n.csv", FORMS[0], "")], [RELATIONS], schema(), only).nodes == graph().nodes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("3.2 堤防", ("3.2", "堤防")),
        ("３．２　堤防", ("3.2", "堤防")),  # as toc.csv writes it
        ("3.2.1 天端", ("3.2.1", "天端")),
        ("3.2.1.4 舗装", ("3.2.1.4", "舗装")),  # below what toc.csv has
        ("第2-1章 ダム", ("第2-1章", "ダム")),
        ("第二節　護岸", ("第二節", "護岸")),
        ("4 水門", ("4", "水門")),  # toc.csv knows the number
        ("Chapter 3: Levees", ("Chapter 3", "Levees")),
        # No number of a place:
        ("2次元解析", ("", "2次元解析")),
        ("3 次元測量", ("", "3 次元測量")),
        ("1.5次元モデル", ("", "1.5次元モデル")),
        ("4K映像", ("", "4K映像")),
        ("第1章", ("", "第1章")),
        ("第1章のまとめ", ("", "第1章のまとめ")),
        ("第2項目", ("", "第2項目")),
        ("第三者委員会", ("", "第三者委員会")),
        ("Section", ("", "Section")),
        ("第5章まとめ", ("", "第5章まとめ")),  # toc.csv has it like this
    ],
)
def test_what_is_a_number(name, expected):
    places = dict.fromkeys([Citation("編", "第5章まとめ"), Citation("編", "3 堤防")])
    assert split_number("", name, Toc(places, ("3.2.1", "3.2", "4"))) == expected


def test_a_number_of_its_own_column_is_taken_off_where_it_stands_apart():
    assert split_number("3", "3 堤防", Toc({})) == ("3", "堤防")
    assert split_number("3", "3次元測量", Toc({})) == ("3", "3次元測量")
    assert split_number("第3章", "第3章", Toc({})) == ("第3章", "第3章")


def test_names_of_the_shipped_graph_stay():
    domain = read_yaml(REPOSITORY / "config/domains/river.yaml")["graph"]
    toc, levels = read_toc(REPOSITORY / domain["toc"]), read_schema(REPOSITORY / domain["schema"]).levels
    nodes = [row for file in domain["nodes"] for row in read_csv(REPOSITORY / file) if row[":LABEL"] in levels]
    assert len(nodes) > 100
    assert not [row["name"] for row in nodes if split_number(row["number"], row["name"], toc)[1] != row["name"]]
