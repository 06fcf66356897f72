"""Graphs as people have them: accepted where the meaning is clear, else told in one line what to do."""

from pathlib import Path

import pytest
import yaml
from domain_small import NODES, RELATIONS, TOC, graph, read_csv, schema
from pipeline_copy import Copy
from tatara.data.graph import Graph, write_graph
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import LONE_NODES, OTHER_LABELS, QUALIFIED_IDS, SHARED_NAMES, LeftOut
from tatara.files.jsonl import read_numbered
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import EXAMPLES, InputError, Problem, raise_problems

PLACE = "養蜂の手引き,第1章 巣箱の管理,"


def write(path: Path, *lines: str, end: str = "\n", encoding: str = "utf-8") -> Path:
    path.write_bytes(end.join([*lines, ""]).encode(encoding))
    return path


def load(*files: Path, relations: tuple[Path, ...] = (), left_out: LeftOut | None = None) -> Graph:
    return load_graph(list(files), list(relations), schema(), TOC, left_out)


def refusal(*files: Path, relations: tuple[Path, ...] = ()) -> str:
    with pytest.raises(InputError) as error:
        load(*files, relations=relations)
    return str(error.value)


def apoc_export(path: Path) -> Path:
    """Write the whole small graph as APOC's default export has it: one file, ids of the database, all in quotes."""
    nodes, relations = read_csv(NODES), read_csv(RELATIONS)
    number = {row["id:ID"]: str(7 * i + 3) for i, row in enumerate(nodes)}
    header = ["_id", "_labels", "description", "id", "name", "number", "_start", "_end", "_type"]
    header += ["chapter", "reason", "section", "volume"]
    rows = [
        {"_id": number[row["id:ID"]], "_labels": f":{row[':LABEL']}:Concept", "id": row["id:ID"], **row}
        for row in nodes
    ]
    rows += [
        {"_start": number[row[":START_ID"]], "_end": number[row[":END_ID"]], "_type": row[":TYPE"], **row}
        for row in relations
    ]
    lines = [",".join(f'"{key}"' for key in header)]
    lines += [",".join(f'"{row[key]}"' if key in row else "" for key in header) for row in rows]
    return write(path, *lines)


def test_apocs_default_export_is_one_file_of_both(tmp_path):
    left_out = LeftOut()
    exported = apoc_export(tmp_path / "all.csv")
    assert load(exported, left_out=left_out) == graph()
    assert load(exported, relations=(exported,)) == graph(), "named twice it is read once"
    assert load_graph([], [exported], schema(), TOC) == graph()
    assert left_out.counts[OTHER_LABELS] == 12 and left_out.examples[OTHER_LABELS][0] == "Concept (book)"


def test_every_variant_of_neo4j_admins_headers_is_read(tmp_path):
    nodes = write(
        tmp_path / "n.csv",
        "key:ID(Tool),name:string,:LABEL,description:string,tags:string[],weight:double,:IGNORE,note:IGNORE,:IGNORE",
        "t1,燻煙器,Tool;Concept,煙を送る道具である。,煙;巣門,1.5,捨てる,捨てる,捨てる",
        "t2,捕殺器,Concept;Tool,害敵を捕る道具である。,,,,,",
    )
    pests = write(
        tmp_path / "p.csv",
        ":ID(Pest){label:Pest},:LABEL,name:string{optional: false},description",
        "1,Pest,スズメバチ,害敵である。",
    )
    relations = write(
        tmp_path / "r.csv",
        ":START_ID(Tool),:END_ID(Pest){label:Pest},:TYPE,reason:string,volume:string,chapter:string,since:int,:IGNORE",
        f"t2,1,COUNTERS,効く。,{PLACE}2020,x",
    )
    loaded = load(nodes, pests, relations=(relations,))
    assert sorted(loaded.nodes) == ["1", "t1", "t2"]
    assert loaded.nodes["t1"].properties == {"tags": "煙;巣門", "weight": "1.5"}
    assert {node.label for node in loaded.nodes.values()} == {"Tool", "Pest"}
    (relation,) = loaded.relations
    assert (relation.start, relation.end, relation.reason) == ("t2", "1", "効く。")
    assert relation.properties == {"since": "2020"}


def test_the_rule_takes_one_file_of_both(copy: Copy):
    apoc_export(copy.folder / "all.csv")
    config = read_yaml(copy.folder / "tests/data/beekeeping/beekeeping.yaml")
    config["graph"] |= {"nodes": ["all.csv"], "relations": []}
    (copy.folder / "one.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = copy.snakemake("results/graph/nodes.csv", "--cores", "1", config="one.yaml")
    assert done.returncode == 0, done.stdout
    assert [row["id:ID"] for row in read_csv(copy.folder / "results/graph/nodes.csv")] == sorted(graph().nodes)
    counts = {row["what"]: row["count"] for row in read_csv(copy.folder / "results/graph/left_out.csv")}
    assert counts == {**counts, OTHER_LABELS.name: "12", LONE_NODES.name: "0", SHARED_NAMES.name: "0"}
    assert "labels of nodes that schema.yaml does not have: 12 of 12" in done.stdout


def test_apocs_export_for_bulk_import_names_nodes_by_their_own_id(tmp_path):
    nodes = write(
        tmp_path / "nodes.csv",
        ":ID,:LABEL,description,id,name,number",
        "0,Handbook,手引きである。,book,養蜂の手引き,",
        "1,Chapter,管理の章である。,ch-1,巣箱の管理,第1章",
    )
    relations = write(tmp_path / "relations.csv", ":START_ID,:END_ID,:TYPE", "0,1,CONTAINS")
    loaded = load(nodes, relations=(relations,))
    assert list(loaded.nodes) == ["book", "ch-1"] and loaded.nodes["ch-1"].properties == {}
    assert [(relation.start, relation.end) for relation in loaded.relations] == [("book", "ch-1")]


def id_spaces(folder: Path, relation_header: str = ":START_ID(Handbook),:END_ID(Chapter),:TYPE") -> list[Path]:
    return [
        write(folder / "a.csv", "id:ID(Handbook),name,description,:LABEL", "1,養蜂の手引き,手引きである。,Handbook"),
        write(
            folder / "b.csv",
            "id:ID(Chapter){id-type: string},name,number,description,:LABEL",
            "1,巣箱の管理,第1章,管理の章である。,Chapter",
            "2,採蜜,第3章,蜜の章である。,Chapter",
        ),
        write(folder / "r.csv", relation_header, "1,1,CONTAINS", "1,2,CONTAINS"),
    ]


def test_one_id_in_two_id_spaces_means_two_nodes(tmp_path):
    *nodes, relations = id_spaces(tmp_path)
    left_out = LeftOut()
    loaded = load(*nodes, relations=(relations,), left_out=left_out)
    assert sorted(loaded.nodes) == ["2", "Chapter-1", "Handbook-1"]
    ends = [(relation.start, relation.end) for relation in loaded.relations]
    assert ends == [("Handbook-1", "2"), ("Handbook-1", "Chapter-1")]
    assert left_out.counts[QUALIFIED_IDS] == 2 and left_out.examples[QUALIFIED_IDS] == [
        "1 → Handbook-1",
        "1 → Chapter-1",
    ]
    write_graph(loaded, tmp_path / "nodes.csv", tmp_path / "relations.csv", tmp_path / "facts.csv")
    assert load(tmp_path / "nodes.csv", relations=(tmp_path / "relations.csv",)) == loaded


def test_an_id_that_may_mean_two_nodes_is_named_with_the_remedy(tmp_path):
    *nodes, relations = id_spaces(tmp_path, ":START_ID,:END_ID,:TYPE")
    message = refusal(*nodes, relations=(relations,))
    assert f"{relations}:2: dangling relation: the id '1' may be Chapter-1 and Handbook-1; name the id space" in message


def test_an_id_is_looked_for_in_its_own_space(tmp_path):
    *nodes, relations = id_spaces(tmp_path, ":START_ID(Handbook),:END_ID(Handbook),:TYPE")
    message = refusal(*nodes, relations=(relations,))
    assert f"{relations}:3: dangling relation: there is no node '2' in the id space Handbook" in message
    # A space that no node file has cannot be meant: the id itself is plain.
    *nodes, relations = id_spaces(tmp_path, ":START_ID(Handbook),:END_ID(Kapitel),:TYPE")
    write(relations, ":START_ID(Handbook),:END_ID(Kapitel),:TYPE", "1,2,CONTAINS")
    write(nodes[1], "id:ID(Chapter),name,number,description,:LABEL", "2,採蜜,第3章,蜜の章である。,Chapter")
    assert sorted(load(*nodes, relations=(relations,)).nodes) == ["1", "2"]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("excel", [False, True])
def test_other_separators(tmp_path, separator, excel):
    head = [f"sep={separator}"] if excel else []
    nodes = [line.replace(",", separator) for line in NODES.read_text(encoding="utf-8").splitlines()]
    relations = [line.replace(",", separator) for line in RELATIONS.read_text(encoding="utf-8").splitlines()]
    files = write(tmp_path / "n.csv", *head, *nodes), write(tmp_path / "r.csv", *head, *relations)
    assert load(files[0], relations=(files[1],)) == graph()
    broken = write(tmp_path / "n.csv", *head, *nodes[:3], nodes[3] + separator + "余分")
    message = refusal(broken, relations=(files[1],))
    assert f"{broken}:{4 + excel}: 6 fields, the header has 5" in message


def test_what_spreadsheets_leave_behind(tmp_path):
    lines = NODES.read_text(encoding="utf-8").splitlines()
    left = write(tmp_path / "n.csv", *(line + ",," for line in lines), ",,,,,,", end="\r\n", encoding="utf-8-sig")
    assert load(left, relations=(RELATIONS,)) == graph()
    mac = write(tmp_path / "mac.csv", *lines, end="\r")
    assert load(mac, relations=(RELATIONS,)) == graph()
    spaces = write(
        tmp_path / "s.csv", lines[0].replace("id:ID", "id:ID\u00a0").replace("name", " name\u200b"), *lines[1:]
    )
    assert load(spaces, relations=(RELATIONS,)) == graph()
    unnamed = write(tmp_path / "u.csv", *(line + ",," for line in lines[:2]), lines[2] + ",,覚え書き")
    assert f"{unnamed}:3: column 7 has no name and holds 覚え書き; write its name into the header" in refusal(unnamed)


def test_a_plain_table_without_header_types(tmp_path):
    nodes = NODES.read_text(encoding="utf-8").replace("id:ID,name,:LABEL", "id,name,label", 1)
    relations = RELATIONS.read_text(encoding="utf-8").replace(":START_ID,:END_ID,:TYPE", "start,end,type", 1)
    files = write(tmp_path / "n.csv", nodes), write(tmp_path / "r.csv", relations)
    assert load(files[0], relations=(files[1],)) == graph()
    # Files that stand in the wrong list are what their header says.
    assert load(files[1], relations=(files[0],)) == graph()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["book,養蜂の手引き,Handbook,手引きである。"],
            ":1: missing column id:ID, name, :LABEL: the first line is book,養蜂の手引き,Handbook,手引きである。; put",
        ),
        (['{"n": {"type": "node", "id": "0", "labels": ["Tool"]}}'], ':1: expected {"type": "node", "id": …'),
        (['{"type": "node", "id": "0", "labels": ["Tool"]'], ":1: not JSON at column 47"),
        (["id：ID，name，：LABEL", "a，b，Tool"], "; write , instead of ，"),
        (["id:ID,name,:LABEL,description,description", "a,b,Tool,x,y"], ":1: the column description stands twice"),
        (["id:ID,name,:LABEL,:label", "a,b,Tool,Tool"], ":1: the column label stands twice in the header"),
        (["id:ID,name,:LABEL,description", 'a,b,"Tool', 'x",y'], ":2: label holds a line break: a quote is open"),
        (["id:ID,name,:LABEL,description", 'a,b,Tool,"open'], ":2: unexpected end of data; quotes inside a quoted"),
        (["", "id:ID,name,:LABEL"], ":1: the file is empty; expected the header"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, lines, message):
    path = write(tmp_path / "nodes.csv", *lines)
    said = refusal(path, relations=(RELATIONS,))
    assert said.startswith(str(path)) and message in said and "\n" not in said


def test_a_file_of_both_kinds_names_a_row_that_is_neither(tmp_path):
    path = apoc_export(tmp_path / "all.csv")
    text = path.read_text(encoding="utf-8").splitlines()
    write(path, *text[:2], '"","","覚え書き","","","",,,,,,,', *text[2:])
    assert f"{path}:3: neither or both; expected an id, or a start, an end and a type" in refusal(path)


def test_no_relation_in_any_file_is_named():
    assert "no relation; name the files that hold them in config key graph.relations" in refusal(NODES)


def test_a_quote_after_a_space_is_a_quote(tmp_path):
    text = NODES.read_text(encoding="utf-8").replace("燻煙器,Tool,,煙を", '燻煙器,Tool,, "煙を, 静かに')
    text = text.replace("確かめる。\ntool-trap", '確かめる。"\ntool-trap')
    loaded = load(write(tmp_path / "n.csv", text), relations=(RELATIONS,))
    assert loaded.nodes["tool-smoker"].description.startswith("煙を, 静かに送って")


def test_a_place_that_differs_in_combining_marks_is_named_as_such(tmp_path):
    text = RELATIONS.read_text(encoding="utf-8").replace(
        "第3章 採蜜,\ntask-check,task", "第3章\u3000採蜜,\ntask-check,task", 1
    )
    message = refusal(NODES, relations=(write(tmp_path / "r.csv", text),))
    assert "there it is '第3章 採蜜', with other spaces, widths or combining marks: copy it from there" in message


def test_problems_are_counted_by_kind_with_three_examples_each(tmp_path):
    nodes = NODES.read_text(encoding="utf-8").splitlines()
    bare = [f"tool-{i},道具{i},Tool,," for i in range(30)]
    relations = [f"tool-{i},pest-mite,COUNTERS,,{PLACE}" for i in range(25)]
    relations += ["tool-1,nobody,COUNTERS,効く。," + PLACE]
    files = (
        write(tmp_path / "n.csv", *nodes, *bare),
        write(tmp_path / "r.csv", ":START_ID,:END_ID,:TYPE,reason,volume,chapter,section", *relations),
    )
    lines = refusal(files[0], relations=(files[1],)).splitlines()
    assert lines[0] == (
        "56 problems: 1 relations that lead to no node; 30 nodes without a description; "
        "25 relations without a reason or evidence"
    )
    assert sum("has no description" in line for line in lines) == EXAMPLES
    assert sum("has no reason" in line for line in lines) == EXAMPLES
    assert "… and 27 more nodes without a description" in lines
    assert len(lines) == 1 + 1 + 2 * (EXAMPLES + 1)


def test_problems_of_no_kind_are_listed_up_to_twenty():
    with pytest.raises(InputError) as error:
        raise_problems([*(f"plain {i}" for i in range(25)), *(Problem("blue ones", f"blue {i}") for i in range(5))])
    lines = str(error.value).splitlines()
    assert lines[0] == "30 problems: 25 others; 5 blue ones"
    assert lines[20] == "plain 19" and lines[21] == "… and 5 more" and lines[-1] == "… and 2 more blue ones"
    with pytest.raises(InputError, match=r"^a\nb$"):
        raise_problems(["a", Problem("bs", "b")])
    raise_problems([])


# JSON Lines


def rows_of(path: Path, text: str) -> list[tuple[int, dict]]:
    path.write_text(text, encoding="utf-8")
    return list(read_numbered(path))


def test_a_json_array_is_read_with_the_line_of_each_entry(tmp_path):
    path = tmp_path / "rows.jsonl"
    text = '[\n  {"id": "a",\n   "text": "堤\\n防"},\n\n  {"id": "b"}\n]\n'
    assert rows_of(path, text) == [(2, {"id": "a", "text": "堤\n防"}), (5, {"id": "b"})]
    assert rows_of(path, "[]") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n "id": "a"\n}\n', ":1: not JSON at column 2 .*each line must hold one whole object, as `jq -c"),
        ('[{"id": "a"}\n {"id": "b"}]', ":2: expected , or ] after an entry of the array"),
        ('[{"id": "a"}]\n{"id": "b"}', ":1: the array ends here, and more follows"),
        ('[{"id": "a"},\n {"id": "b", "id": "c"}]', ":2: the key id stands twice in one object"),
        ('{"id": "a"}\n{"id": "b", "id": "c"}\n', ":2: the key id stands twice in one object; keep one"),
        ('{"id": "\\ud83d"}\n', ":1: holds half of a character"),
        ('{"id": "a"} x\n', r":1: not JSON at column 12 .Extra data.;"),
        ("[1, 2]", ":1: holds a int, expected an object"),
    ],
)
def test_json_that_is_read_wrongly_elsewhere_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=r"rows\.jsonl" + message):
        rows_of(tmp_path / "rows.jsonl", text)
