"""Time and memory of loading a graph into Neo4j and exporting it; writes benchmarks/neo4j_scale.csv.

Usage: python benchmarks/neo4j_scale.py   (some minutes; needs Java and Maven, as tests/support/neo4j_server.py)

Graphs of 10,000 nodes and 30,000 relations up to ten times that are loaded into an empty database of a real server (512
MiB of heap) and exported from it. One hub has a tenth of the relations. Peak memory is that of our process and of the
server's; each step has a process of its own, each graph a server.
"""

import csv
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests/support")]
from tatara.data.schema import RelationType, Schema  # noqa: E402

COLUMNS = ["nodes", "relations", "step", "seconds", "peak_mib", "server_peak_mib"]
SIZES = (10_000, 25_000, 50_000, 100_000)
VOLUME = "編"
LABELS = {"Facility": "施設", "Concept": "概念"}
TYPES = {
    name: RelationType(name, name, tuple(LABELS), tuple(LABELS), False) for name in ("REQUIRES", "AFFECTS", "USED_IN")
}
SCHEMA = Schema(LABELS, TYPES, {"c": 1}, {VOLUME: "c"})


def peak_mib(pid: int | str) -> float:
    """Return the most memory that a process held so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def make_graph(nodes: int):
    """Return a checked graph of so many nodes and three times as many relations, and its schema."""
    from tatara.data.graph_build import build_graph
    from tatara.data.toc import Citation, Toc

    toc = Toc({Citation(VOLUME): None, Citation(VOLUME, "第1章 総論"): None})
    text = "堤防の高さは計画高水位に余裕高を加えたもの以上とし、出水期前に点検する。" * 3
    names, types = list(SCHEMA.labels), list(SCHEMA.relations)
    rows = [
        (f"n{i}", {"id": f"n{i}", "name": f"名{i}", "label": names[i % 2], "description": f"{i} {text}"})
        for i in range(nodes)
    ]
    relations, evidence = [], {"reason": text, "volume": VOLUME, "chapter": "第1章 総論"}
    for i in range(3 * nodes):
        start, kind = i % nodes, types[i // nodes]
        end = 0 if i % 10 == 0 else (start * 7 + i // nodes + 1) % nodes
        relations.append((f"r{i}", {"start": f"n{start}", "end": f"n{end}", "type": kind} | evidence))
    return build_graph(rows, relations, SCHEMA, toc), SCHEMA


def measure(nodes: int, step: str, folder: Path, uri: str, server: int) -> None:
    """Load or export one graph and print its row."""
    from tatara.data.graph import write_graph
    from tatara.data.graph_neo4j import load, read_graph
    from tatara.data.neo4j_connection import connect

    graph, schema = make_graph(nodes) if step != "export" else (None, SCHEMA)
    start = time.monotonic()
    if step == "export":
        graph = read_graph(uri=uri, user="neo4j", database="neo4j", schema=schema, toc_file=folder / "toc.csv")
        write_graph(graph, folder / "nodes2.csv", folder / "relations2.csv")
    else:
        with connect(uri, "neo4j", "neo4j") as connection:
            load(connection, graph)
    row = [nodes, len(graph.relations), step, time.monotonic() - start, peak_mib("self"), peak_mib(server)]
    print(",".join(str(round(value, 1)) if isinstance(value, float) else str(value) for value in row), flush=True)
    if step != "export":
        write_graph(graph, folder / "nodes1.csv", folder / "relations1.csv")


def main() -> None:
    from neo4j_server import Server

    rows = []
    for nodes in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder), secrets.token_hex(12))
            server.start()
            try:
                Path(folder, "toc.csv").write_text(
                    f"volume,chapter_number,chapter,section_number,section\n{VOLUME},第1章,総論,,\n"
                )
                for step in ("load", "load again", "export"):
                    command = [sys.executable, __file__, str(nodes), step, folder, server.uri, str(server.process.pid)]
                    known = {**os.environ, "NEO4J_PASSWORD": server.password}
                    done = subprocess.run(command, env=known, check=True, stdout=subprocess.PIPE, text=True)
                    print(done.stdout, end="", flush=True)
                    rows.append(done.stdout.strip().split(","))
            finally:
                server.stop()
            for name in ("nodes", "relations"):
                if Path(folder, f"{name}1.csv").read_bytes() != Path(folder, f"{name}2.csv").read_bytes():
                    sys.exit("what was exported is not what was loaded")
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    else:
        main()
