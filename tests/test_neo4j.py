"""The graph in a real Neo4j database: loaded, exported, and every fault told with what to do."""

import shutil

import neo4j
import pytest
import yaml
from domain_small import TOC, graph, graph_with_facts, schema
from pipeline_copy import Copy
from proxy import Proxy
from tatara.data.graph import Graph, write_graph
from tatara.data.graph_build import build_graph
from tatara.data.graph_neo4j import load as load_graph
from tatara.data.graph_neo4j import read_graph
from tatara.data.neo4j_connection import PASSWORD, connect
from tatara.data.schema import RelationType, Schema
from tatara.job.errors import InputError

pytestmark = pytest.mark.services


@pytest.fixture
def server(neo4j_server, monkeypatch):
    """The server with an empty database, its password in the environment."""
    monkeypatch.setenv(PASSWORD, neo4j_server.password)
    with neo4j.GraphDatabase.driver(neo4j_server.uri, auth=("neo4j", neo4j_server.password)) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    return neo4j_server


def run(server, query: str, **values) -> list:
    with neo4j.GraphDatabase.driver(server.uri, auth=("neo4j", server.password)) as driver:
        return [record.values() for record in driver.execute_query(query, **values).records]


def load(server, given: Graph) -> dict[str, int]:
    with connect(server.uri, "neo4j", "neo4j") as connection:
        return load_graph(connection, given)


def read(server, uri: str | None = None, patience: float = 60.0) -> Graph:
    return read_graph(
        uri=uri or server.uri, user="neo4j", database="neo4j", schema=schema(), toc_file=TOC, patience=patience
    )


def configure(copy: Copy, **section) -> str:
    """Write a configuration whose graph comes from Neo4j; return its name."""
    config = yaml.safe_load((copy.folder / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["graph"] = section
    (copy.folder / "config/neo4j.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return "config/neo4j.yaml"


def test_csv_to_neo4j_to_csv_gives_the_same_bytes_and_the_password_stands_nowhere(server, copy: Copy):
    csv = [f"results/graph/{name}.csv" for name in ("nodes", "relations", "facts")]
    done = copy.snakemake(csv[0], "--cores", "1")
    assert done.returncode == 0, done.stdout
    before = [(copy.folder / file).read_bytes() for file in csv]
    said = done.stdout
    config = configure(copy, source="neo4j", neo4j={"uri": server.uri})
    done = copy.snakemake("results/graph/loaded.json", "--cores", "1", "--forcerun", "load_graph", config=config)
    assert done.returncode == 0, done.stdout
    said += done.stdout
    assert (
        '"nodes": 200,\n "relations": 268,\n "facts": 3423,\n "other_nodes": 0'
        in (copy.folder / "results/graph/loaded.json").read_text()
    )
    shutil.rmtree(copy.folder / "results/graph")
    done = copy.snakemake("results/qa/pool.jsonl", "--cores", "1", config=config)
    assert done.returncode == 0, done.stdout
    said += done.stdout
    assert [(copy.folder / file).read_bytes() for file in csv] == before
    # The database changed: the graph is exported again when that is asked for, and all that hangs on it follows.
    run(server, "MATCH (n {id: 'fac-levee'}) SET n.description = '変えた。'")
    assert copy.planned("results/qa/pool.jsonl", config=config) == {}
    done = copy.snakemake(csv[0], "--cores", "1", "--forcerun", "graph", config=config)
    assert "変えた。" in (copy.folder / csv[0]).read_text(encoding="utf-8"), done.stdout
    assert set(copy.planned("results/qa/pool.jsonl", config=config)) == {"qa_pairs", "pool"}
    secret = server.password.encode()
    assert secret not in (said + done.stdout).encode()
    files = [path for path in copy.folder.rglob("*") if path.is_file()]
    assert any(".snakemake/metadata" in str(path) for path in files) and any(path.suffix == ".log" for path in files)
    assert [path for path in files if secret in path.read_bytes()] == []


def test_loading_twice_changes_nothing_and_loading_a_change_brings_it(server, caplog):
    assert load(server, graph()) == {"nodes": 12, "relations": 14, "facts": 0, "other_nodes": 0, "other_relations": 0}
    assert load(server, graph()) == {"nodes": 12, "relations": 14, "facts": 0, "other_nodes": 0, "other_relations": 0}
    assert read(server) == graph()
    run(
        server,
        "MATCH (n {id: 'tool-smoker'}) SET n.description = 'x', n.stray = 1 CREATE (:Tool {id: 'tool-old', name: "
        "'古い'})",
    )
    counts = load(server, graph())
    assert counts["other_nodes"] == 1 and "holds 1 nodes and 0 relations that are not in the CSV files" in caplog.text
    run(server, "MATCH (n {id: 'tool-old'}) DELETE n")
    assert read(server) == graph()
    assert {labels[0] for (labels,) in run(server, "SHOW CONSTRAINTS YIELD labelsOrTypes")} >= set(schema().labels)
    assert {
        labels[0] for labels, keys in run(server, "SHOW INDEXES YIELD labelsOrTypes, properties") if keys == ["name"]
    } >= set(schema().labels)


def test_labels_types_and_texts_are_never_part_of_a_query(server):
    run(server, "CREATE (:Bystander {id: 'x'})")
    labels = ["A`) DETACH DELETE (n) //", "B\\u0060) DETACH DELETE (n) //", "\\", "``", "節 と 項", "C\\u005cu0060"]
    types = ["T`]->() DETACH DELETE a //", "T\\u0060]->() DELETE a //", "流れる 先"]
    relations = {type_: RelationType(type_, type_, tuple(labels), tuple(labels), False) for type_ in types}
    hostile = Schema(dict.fromkeys(labels, "名"), relations, {"c": 1}, {"養蜂の手引き": "c"})
    text = "'}) DETACH DELETE (n) // \" \\ `"
    nodes = [
        (f"n:{i}", {"id": f"n{i}", "name": f"{text} {i}", "label": label, "description": text, "a`b": text})
        for i, label in enumerate(labels)
    ]
    place = {"reason": text, "volume": "養蜂の手引き", "chapter": "第1章 巣箱の管理"}
    rows = [(f"r:{i}", {"start": f"n{i}", "end": f"n{i + 1}", "type": type_} | place) for i, type_ in enumerate(types)]
    given = build_graph(nodes, rows, hostile, graph().toc)
    assert load(server, given)["other_nodes"] == 1
    assert {found[0] for (found,) in run(server, "MATCH (n) RETURN labels(n)")} == {"Bystander", *labels}
    run(server, "MATCH (n:Bystander) DELETE n")
    again = read_graph(uri=server.uri, user="neo4j", database="neo4j", schema=hostile, toc_file=TOC)
    assert (again.nodes, again.relations) == (given.nodes, given.relations)
    for kind in ("CONSTRAINTS", "INDEXES"):
        for (name,) in run(
            server,
            f"SHOW {kind} YIELD name, labelsOrTypes WHERE any(l IN labelsOrTypes WHERE l IN $labels) RETURN name",
            labels=labels,
        ):
            run(server, f"DROP {kind[:-1] if kind == 'CONSTRAINTS' else 'INDEX'} `{name}` IF EXISTS")


def test_values_that_are_no_text_become_text(server):
    load(server, graph())
    run(
        server,
        "MATCH (n {id: 'tool-smoker'}) SET n.year = 2024, n.since = date('2024-04-01'), n.names = ['a', 'b'], n.kept "
        "= true, n.label = 'x'",
    )
    assert read(server).nodes["tool-smoker"].properties == {
        "year": "2024",
        "since": "2024-04-01",
        "names": "a;b",
        "kept": "true",
        "label_": "x",
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "MATCH (n) DETACH DELETE n",
            r"the database neo4j at bolt://localhost:\d+ is empty: load the graph's CSV files with `make load-graph`",
        ),
        (
            "MATCH (n {id: 'tool-smoker'}) REMOVE n.name",
            r"neo4j node 4:[0-9a-f:-]+: node tool-smoker has an empty name",
        ),
        ("MATCH (n {id: 'tool-smoker'}) REMOVE n.id", r"neo4j node 4:[0-9a-f:-]+: the id is empty"),
        (
            "CREATE (:Tol {id: 'x', name: '煙', description: '煙。'})",
            r"neo4j node 4:[0-9a-f:-]+: unknown label Tol; did you mean Tool\?",
        ),
        ("CREATE ({id: 'x', name: '煙', description: '煙。'})", r"node x has no label"),
        (
            "MATCH (n {id: 'tool-smoker'}) SET n.`a:b` = 1, n.a_b = 2",
            r"neo4j node 4:[0-9a-f:-]+: the properties a[:_]b and a[:_]b would be one column in CSV; rename one",
        ),
        (
            "MATCH (a {id: 'task-check'}), (b {id: 'tool-smoker'}) CREATE (a)-[:USE]->(b)",
            r"neo4j relation 5:[0-9a-f:-]+: unknown relation type USE; did you mean USES\?",
        ),
        (
            "MATCH (a {id: 'task-check'})-[r:USES]->(b) CREATE (a)-[s:USES]->(b) SET s = properties(r)",
            "duplicate relation task-check -USES->",
        ),
    ],
)
def test_what_the_database_holds_wrongly_is_named(server, query, message):
    load(server, graph())
    run(server, query)
    with pytest.raises(InputError, match=message):
        read(server)


def _refused(message: str, uri: str, user: str = "neo4j", database: str = "neo4j") -> None:
    with pytest.raises(InputError, match=message), connect(uri, user, database):
        pass


def test_no_server_wrong_password_unknown_database_and_no_password_say_what_to_do(server, monkeypatch):
    _refused(
        r"no Neo4j server at bolt://localhost:9 .*start it, or mend config key graph\.neo4j\.uri", "bolt://localhost:9"
    )
    _refused(r"no Neo4j server at neo4j://localhost:9 .*refused", "neo4j://localhost:9")
    _refused(r"has no database wiki: mend config key graph\.neo4j\.database", server.uri, database="wiki")
    monkeypatch.setenv(PASSWORD, "wrong-one-2b")
    with (
        pytest.raises(InputError, match=r"refused the user neo4j .*environment variable NEO4J_PASSWORD") as error,
        connect(server.uri, "neo4j", "neo4j"),
    ):
        pass
    assert "wrong-one-2b" not in str(error.value)
    with neo4j.GraphDatabase.driver(server.uri, auth=("neo4j", server.password)) as driver:
        driver.execute_query(
            "CREATE OR REPLACE USER somebody SET PASSWORD $password CHANGE NOT REQUIRED",
            password="another-3c",
            database_="system",
        )
    for _ in range(4):
        with pytest.raises(InputError), connect(server.uri, "somebody", "neo4j"):
            pass
    _refused(r"for some seconds after several wrong passwords", server.uri, user="somebody")
    monkeypatch.delenv(PASSWORD)
    _refused(r"the environment variable NEO4J_PASSWORD is not set", server.uri)


def test_tls_schemes(server, monkeypatch):
    if not server.certificate:
        pytest.skip("no openssl to make a certificate with")
    load(server, graph())
    for scheme in ("neo4j", "bolt+ssc", "neo4j+ssc"):
        assert read(server, server.uri.replace("bolt", scheme)) == graph()
    for scheme in ("bolt+s", "neo4j+s"):
        _refused(
            r"certificate of Neo4j at .* is not trusted: name its authority in .*SSL_CERT_FILE",
            server.uri.replace("bolt", scheme),
        )
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    for scheme in ("bolt+s", "neo4j+s"):
        assert read(server, server.uri.replace("bolt", scheme)) == graph()


def test_a_broken_connection_is_tried_again(server):
    load(server, graph())
    # The first connection only asks whether the server is there.
    with Proxy(server.port, breaks=[100_000, 2_500]) as proxy:
        assert read(server, f"bolt://127.0.0.1:{proxy.port}") == graph()
        assert proxy.broken == 1
    run(server, "MATCH (n) DETACH DELETE n")
    with Proxy(server.port, breaks=[100_000, 2_500, 1_000]) as proxy:
        with connect(f"bolt://127.0.0.1:{proxy.port}", "neo4j", "neo4j", patience=60) as connection:
            assert load_graph(connection, graph())["other_nodes"] == 0
        assert proxy.broken == 2
    assert read(server) == graph()


def test_a_server_that_dies_in_the_middle_is_reported_without_a_half_written_file_and_one_that_comes_back_is_waited_for(
    server, copy: Copy
):
    load(server, graph())
    with Proxy(server.port, breaks=[100_000, 2_500], when_broken=lambda: (server.kill(), server.start())) as proxy:
        assert read(server, f"bolt://127.0.0.1:{proxy.port}", patience=180) == graph()
        assert proxy.broken == 1
    with Proxy(server.port, breaks=[100_000, 2_500], when_broken=server.kill) as proxy:
        config = configure(copy, source="neo4j", neo4j={"uri": f"bolt://127.0.0.1:{proxy.port}"})
        done = copy.snakemake("results/graph/nodes.csv", "--cores", "1", config=config)
    server.start()
    assert done.returncode != 0
    assert "stopped answering and did not come back within 15 s" in done.stdout and "Traceback" not in done.stdout, (
        done.stdout
    )
    assert list(copy.folder.glob("results/graph/*")) == []


def test_writing_what_was_read_is_the_canonical_form(server, tmp_path):
    loaded = load(server, graph_with_facts())
    assert loaded["facts"] == 9 and loaded["other_nodes"] == loaded["other_relations"] == 0
    assert load(server, graph_with_facts()) == loaded, "loading twice changes nothing"
    for number, found in enumerate((graph_with_facts(), read(server))):
        names = (tmp_path / f"{name}{number}.csv" for name in ("nodes", "relations", "facts"))
        write_graph(found, *names)
    for name in ("nodes", "relations", "facts"):
        assert (tmp_path / f"{name}0.csv").read_bytes() == (tmp_path / f"{name}1.csv").read_bytes()
