"""The graph: exports load as they are, and every fault is named with file and line."""

import pytest
from domain_small import FOLDER, NODES, RELATIONS, TOC, changed, graph, schema
from tatara.data.graph import write_graph
from tatara.data.graph_csv import load_graph
from tatara.data.schema import read_schema
from tatara.data.toc import Citation, read_toc
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.job.errors import InputError


def load(nodes=(NODES,), relations=(RELATIONS,)):
    return load_graph(list(nodes), list(relations), schema(), TOC)


def test_the_graph_knows_its_places_and_neighbours():
    loaded = graph()
    assert len(loaded.nodes) == 12 and len(loaded.relations) == 14
    assert loaded.citation("ch-2") == Citation("養蜂の手引き", "第2章 病害虫への備え")
    assert [node.id for node in loaded.chain("ch-2")] == ["book", "ch-2"]
    assert {relation.start for relation in loaded.incoming("ch-2", "EXPLAINED_IN")} == {"pest-mite", "pest-hornet"}
    assert [relation.end for relation in loaded.outgoing("task-check", "USES")] == ["tool-smoker"]
    uses = loaded.outgoing("task-check", "USES")[0]
    assert loaded.evidence(uses).text == "養蜂の手引き 第1章 巣箱の管理 第1節 内検"


def test_writing_and_loading_gives_the_same_graph(tmp_path):
    loaded = graph()
    write_graph(loaded, tmp_path / "nodes.csv", tmp_path / "relations.csv", tmp_path / "facts.csv")
    again = load([tmp_path / "nodes.csv"], [tmp_path / "relations.csv"])
    assert again == loaded
    write_graph(again, tmp_path / "nodes2.csv", tmp_path / "relations2.csv", tmp_path / "facts2.csv")
    assert (tmp_path / "nodes2.csv").read_bytes() == (tmp_path / "nodes.csv").read_bytes()
    assert (tmp_path / "relations2.csv").read_bytes() == (tmp_path / "relations.csv").read_bytes()


def test_several_files_with_differing_columns_load_as_one(tmp_path):
    head, *rows = NODES.read_text(encoding="utf-8").splitlines()
    structure = [row for row in rows if row.split(",")[2] in ("Handbook", "Chapter")]
    domain = [row.split(",") for row in rows if row not in structure]
    (tmp_path / "a.csv").write_text("\n".join([head.replace("number", "number:string"), *structure]), encoding="utf-8")
    lines = ["season:string,name:string,:LABEL,id:ID(Bee),description,skipped:IGNORE"]
    lines += [f"秋,{name},{label};Thing,{id_},{text},x" for id_, name, label, _, text in domain]
    (tmp_path / "b.csv").write_text("\n".join(lines), encoding="utf-8")
    loaded = load([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert loaded.nodes.keys() == graph().nodes.keys()
    assert loaded.nodes["tool-smoker"].properties == {"season": "秋"}
    write_graph(loaded, tmp_path / "nodes.csv", tmp_path / "relations.csv", tmp_path / "facts.csv")
    assert (
        (tmp_path / "nodes.csv").read_text(encoding="utf-8").startswith("id:ID,name,:LABEL,number,description,season\n")
    )
    assert load([tmp_path / "nodes.csv"], [tmp_path / "relations.csv"]) == loaded


def test_byte_order_mark_crlf_quotes_and_commas_are_read(tmp_path):
    text = (
        NODES.read_text(encoding="utf-8")
        .replace("煙を送って蜂を落ち着かせる", '"煙を送って、""静かに"", 蜂を落ち着かせる')
        .replace("確かめる。\ntool-trap", '確かめる。"\ntool-trap')
    )
    path = tmp_path / "nodes.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    loaded = load([path])
    assert loaded.nodes["tool-smoker"].description.startswith('煙を送って、"静かに", 蜂を落ち着かせる')
    assert loaded.nodes["book"] == graph().nodes["book"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pest-mite,ミツ", "pest-hornet,ミツ", "duplicate id pest-hornet, first at {path}:"),
        ("スズメバチ,Pest", "スズメバチ,Pst", "unknown label Pst; did you mean Pest?"),
        ("スズメバチ,Pest", ",Pest", "node pest-hornet has an empty name"),
        (
            "採蜜,Chapter,第3章",
            "採密,Chapter,第3章",
            "chapter '第3章 採密' is not in the table of contents of 養蜂の手引き; did you mean 第3章 採蜜?",
        ),
        ("task-control,防除,Task,,", "task-control,防除,Task,", "4 fields, the header has 5"),
    ],
)
def test_a_fault_in_the_nodes_names_file_and_line(tmp_path, old, new, expected):
    path, line = changed(NODES, tmp_path / "nodes.csv", old, new)
    with pytest.raises(InputError) as error:
        load([path])
    message = str(error.value)
    assert expected.format(path=path) in message
    assert f"{path}:{line}" in message or "duplicate" in expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "task-check,tool-smoker,USES",
            "task-check,tool-smokr,USES",
            "there is no node 'tool-smokr'; did you mean tool-smoker?",
        ),
        ("task-check,tool-smoker,USES", "task-check,tool-smoker,USE", "unknown relation type USE; did you mean USES?"),
        (
            "task-check,tool-smoker,USES",
            "tool-smoker,task-check,USES",
            "the direction is wrong, exchange :START_ID and :END_ID",
        ),
        ("book,ch-2,CONTAINS", "ch-2,book,CONTAINS", "Chapter -CONTAINS-> Handbook"),
        (
            "第2章 病害虫への備え,\ntask-control,pest-mite",
            "第9章 病害虫,\ntask-control,pest-mite",
            "chapter '第9章 病害虫' is not in the table of contents",
        ),
        (
            "寄生の兆しを確かめてからでなければ、手当ての要否を判断できない。",
            "",
            "COMES_BEFORE from task-check to task-control has no reason",
        ),
        ("book,ch-3,CONTAINS,,,,", "book,ch-2,CONTAINS,,,,", "duplicate relation book -CONTAINS-> ch-2"),
        ("飛来する個体を", '"飛来する"個体を', "quotes inside a quoted field are doubled"),
    ],
)
def test_a_fault_in_the_relations_names_file_and_line(tmp_path, old, new, expected):
    path, line = changed(RELATIONS, tmp_path / "relations.csv", old, new)
    with pytest.raises(InputError) as error:
        load(relations=[path])
    assert expected in str(error.value)
    assert f"{path}:{line}: " in str(error.value)


def test_all_faults_are_told_at_once(tmp_path):
    text = RELATIONS.read_text(encoding="utf-8").replace("USES", "USE").replace("pest-mite,ch-2", "pest-moth,ch-2")
    (tmp_path / "relations.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load(relations=[tmp_path / "relations.csv"])
    assert len(str(error.value).splitlines()) == 3


def test_missing_columns_files_and_wrong_encodings_are_named(tmp_path):
    path, _ = changed(NODES, tmp_path / "nodes.csv", "id:ID,name,:LABEL", "id:ID,title,:LABEL")
    with pytest.raises(InputError, match=r"nodes.csv:1: missing column name"):
        load([path])
    path.write_bytes(NODES.read_text(encoding="utf-8").encode("cp932"))
    with pytest.raises(InputError, match=r"nodes.csv:2: byte 0x.. is not UTF-8"):
        load([path])
    path.write_bytes(NODES.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(InputError, match=r"nodes.csv:1: .* not UTF-8"):
        load([path])
    with pytest.raises(InputError, match=r"nowhere.csv: no such file"):
        load([tmp_path / "nowhere.csv"])


def test_a_chapter_that_hangs_nowhere_or_twice_is_refused(tmp_path):
    path, _ = changed(RELATIONS, tmp_path / "relations.csv", "book,ch-3,CONTAINS,,,,\n", "")
    with pytest.raises(InputError, match="Chapter ch-3 hangs nowhere"):
        load(relations=[path])
    nodes, _ = changed(
        NODES, tmp_path / "nodes.csv", "ch-1,巣箱", "book-2,養蜂の手引き,Handbook,,写しである。\nch-1,巣箱"
    )
    path, _ = changed(
        RELATIONS, tmp_path / "relations.csv", "book,ch-3,CONTAINS", "book-2,ch-3,CONTAINS,,,,\nbook,ch-3,CONTAINS"
    )
    with pytest.raises(InputError, match="ch-3 has two parents, book and book-2"):
        load([nodes], [path])


def test_the_schema_names_the_key_that_is_wrong(tmp_path):
    source = FOLDER / "schema.yaml"
    for old, new, expected in [
        ("to: [Pest]}", "to: [Pset]}", "schema.yaml:11: relations.COUNTERS.to: unknown label Pset; did you mean Pest?"),
        (
            "structural: true",
            "structual: true",
            "schema.yaml:9: unknown key relations.CONTAINS.structual: did you mean structural?",
        ),
        (
            "養蜂の手引き: 養蜂",
            "養蜂の手引き: 登山",
            "schema.yaml:17: volume_category.養蜂の手引き: unknown category 登山",
        ),
        (
            "  養蜂: 6",
            "  養蜂: 六",
            "schema.yaml:15: key categories.養蜂: '六' is not of type 'integer' (expected how many questions",
        ),
        ("  Tool: 道具", "  Tool: 5", "schema.yaml:6: key labels.Tool: 5 is not of type 'string'; write it in quotes"),
        ("  Tool: 道具", "  Tool: 道具\n  Tool: 器具", ":7: the key Tool stands twice"),
    ]:
        path, _ = changed(source, tmp_path / "schema.yaml", old, new)
        with pytest.raises(InputError) as error:
            read_schema(path)
        assert expected in str(error.value)
        assert str(path) in str(error.value)


def test_the_table_of_contents_refuses_a_row_that_stands_twice(tmp_path):
    path, line = changed(
        TOC, tmp_path / "toc.csv", "養蜂の手引き,第3章,採蜜,,\n", "養蜂の手引き,第2章,病害虫への備え,,\n"
    )
    with pytest.raises(InputError) as error:
        read_toc(path)
    assert f"{path}:{line}: 養蜂の手引き 第2章 病害虫への備え stands twice" in str(error.value)


def test_a_broken_jsonl_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"text": "堤防"}, {"text": "水門\u2028"}])
    assert read_jsonl(path) == [{"text": "堤防"}, {"text": "水門\u2028"}]
    assert path.read_bytes().startswith('{"text": "堤防"}\n'.encode())
    for content, expected in [
        ('{"a": 1}\n{"a": \n', "rows.jsonl:2: not JSON"),
        ('{"a": 1}\n\n[1]\n', "rows.jsonl:3: holds a list"),
    ]:
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=expected):
            read_jsonl(path)
    path.write_bytes(b'{"a": 1}\n{"a": "\x93\xfa"}\n')
    with pytest.raises(InputError, match=r"rows\.jsonl:2: byte 0x93 is not UTF-8"):
        read_jsonl(path)
