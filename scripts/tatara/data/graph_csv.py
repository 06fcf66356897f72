"""A graph in CSV or JSON files, as it is exported: read as rows, ids resolved across id spaces, checked."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tatara.data.csv_rows import Table, read_table
from tatara.data.facts import read_fact_rows
from tatara.data.graph import OPTIONAL, REQUIRED, Graph
from tatara.data.graph_build import build_graph, dangling
from tatara.data.graph_header import NODE_COLUMNS, NODE_ROLES, RELATION_COLUMNS, RELATION_ROLES, Header
from tatara.data.graph_json import is_json, read_json_rows
from tatara.data.graph_rows import Row
from tatara.data.left_out import QUALIFIED_IDS, LeftOut
from tatara.data.schema import Schema, nearest, read_schema
from tatara.data.toc import read_toc
from tatara.job.errors import InputError, Problem, raise_problems


def _row(where: str, values: dict[str, str], own_id: str | None, spaces: dict[str, str]) -> Row:
    exported_id = values.get("id", "")
    if exported_id and own_id:
        values["id"] = values.pop(own_id) or exported_id
    if values.get("label", "").startswith(":"):  # APOC's `:Tool:Concept`
        values["label"] = ";".join(filter(None, values["label"].split(":")))
    return Row(where, values, exported_id, spaces)


def _row_problem(row: Row, is_node: bool, is_relation: bool) -> Problem | None:
    if is_node == is_relation:
        needs = "expected an id, or a start, an end and a type"
        return Problem("rows that are no node and no relation, or both", f"{row.where}: neither or both; {needs}")
    broken = [key for key in (*NODE_ROLES, *RELATION_ROLES) if "\n" in row.values.get(key, "")]
    if broken:
        message = f"{row.where}: {broken[0]} holds a line break: a quote is open; close it, or double it"
        return Problem("ids, labels and types with a line break", message)
    return None


def _rows(path: Path | str, table: Table, header: Header) -> tuple[list[Row], list[Row]]:
    has_nodes, has_relations, own_id, spaces = header.has_nodes, header.has_relations, header.own_id, header.spaces
    nodes, relations, problems = [], [], []
    for line, fields in table.rows:
        values = {key: field for key, field in zip(header.keys, fields, strict=True) if key}
        is_node = has_nodes and (not has_relations or any(values[key] for key in NODE_ROLES))
        is_relation = has_relations and (not has_nodes or any(values[key] for key in RELATION_ROLES))
        if has_nodes and has_relations and is_node != is_relation:
            for key in RELATION_ROLES if is_node else NODE_ROLES:
                del values[key]
        row = _row(f"{path}:{line}", values, own_id if is_node else None, spaces)
        problems.append(_row_problem(row, is_node, is_relation))
        (nodes if is_node else relations).append(row)
    raise_problems(filter(None, problems))
    return nodes, relations


def read_rows(path: Path | str, required: dict[str, str]) -> tuple[list[Row], list[Row]]:
    """Return the nodes and the relations of a file, CSV or JSON; one file may hold both.

    Args:
        required: NODE_COLUMNS or RELATION_COLUMNS, the header that messages show where the file has neither.

    Raises:
        InputError: no header, a missing or doubled column, broken quotes, rows with too few or too many fields, a row
            that is neither node nor relation (file and line).
    """
    if is_json(path):
        return read_json_rows(path)

    def is_header(names: list[str]) -> bool:
        return Header.of(names).has_nodes or Header.of(names).has_relations

    table = read_table(path, f"{','.join(required.values())},…", is_header)
    header = Header.of(table.header)
    if header.has_nodes or header.has_relations:
        required = NODE_COLUMNS if header.has_nodes else RELATION_COLUMNS
    if problem := header.problem(required):
        raise InputError(f"{path}:{table.header_line}: {problem}")
    return _rows(path, table, header)


class _Ids:
    """The ids of all nodes: which node an id in an id space means, and the id that it has in the graph.

    An id that stands in several id spaces is written with its space before it, `Chapter-1`.
    """

    def __init__(self, nodes: list[Row]):
        homes: dict[str, set[str]] = {}
        for row in nodes:
            homes.setdefault(row.values["id"], set()).add(row.spaces["id"])
        self.shared = {id_ for id_, spaces in homes.items() if len(spaces) > 1}
        self.spaces = {row.spaces["id"] for row in nodes}
        self.by_space: dict[tuple[str, str], str] = {}
        self.by_id: dict[str, set[str]] = {}
        for row in filter(lambda row: row.values["id"], nodes):
            space, final = row.spaces["id"], self.final(row)
            self.by_space[space, row.exported_id] = final
            for id_ in {row.exported_id, row.values["id"]}:
                self.by_id.setdefault(id_, set()).add(final)

    def final(self, node: Row) -> str:
        id_, space = node.values["id"], node.spaces["id"]
        return f"{space}-{id_}" if id_ and space and id_ in self.shared else id_

    def resolve(self, id_: str, space: str) -> tuple[str, str]:
        """Return the id in the graph, or "" and why there is none."""
        if (space, id_) in self.by_space:
            return self.by_space[space, id_], ""
        if space in self.spaces and space:
            known = [known for home, known in self.by_space if home == space]
            return "", f"there is no node {id_!r} in the id space {space}{nearest(id_, known)}"
        finals = self.by_id.get(id_, set())
        if len(finals) > 1:
            names = " and ".join(sorted(finals))
            return "", f"the id {id_!r} may be {names}; name the id space in the header, as in :START_ID(Chapter)"
        return (next(iter(finals)), "") if finals else ("", f"there is no node {id_!r}{nearest(id_, self.by_id)}")


def _resolved_nodes(nodes: list[Row], ids: _Ids, left_out: LeftOut) -> list[tuple[str, dict]]:
    left_out.expect(QUALIFIED_IDS, len(nodes))
    rows = []
    for row in nodes:
        final = ids.final(row)
        if final != row.values["id"]:
            left_out.add(QUALIFIED_IDS, f"{row.values['id']} → {final}")
        rows.append((row.where, row.values | {"id": final}))
    return rows


def _resolved_relations(relations: list[Row], ids: _Ids, problems: list[str]) -> list[tuple[str, dict]]:
    rows = []
    for row in relations:
        ends = {key: ids.resolve(row.values[key], row.spaces[key]) for key in ("start", "end")}
        reasons = [reason for _, reason in ends.values() if reason]
        problems += [dangling(row.where, reason) for reason in reasons]
        if not reasons:
            rows.append((row.where, row.values | {key: id_ for key, (id_, _) in ends.items()}))
    return rows


def load_graph(
    node_files: list[Path],
    relation_files: list[Path],
    schema: Schema,
    toc_file: Path,
    left_out: LeftOut | None = None,
    fact_files: Iterable[Path] = (),
    evidence: str = REQUIRED,
) -> Graph:
    """Read and check a graph from files: CSV with the header of Neo4j's bulk import, of APOC, or plain, or APOC's JSON.

    Args:
        node_files: files with `id:ID`, `name`, `:LABEL`; their other columns may differ.
        relation_files: files with `:START_ID`, `:END_ID`, `:TYPE`; a file that holds both kinds stands in either list.
        toc_file: the table of contents (docs/files.md).
        left_out: takes what is dropped or joined.
        fact_files: CSV files of facts (docs/files.md).
        evidence: REQUIRED or OPTIONAL, as `build_graph` takes it.

    Raises:
        InputError: every problem found, each with file and line.
    """
    left_out = left_out or LeftOut()
    toc = read_toc(toc_file)
    required = dict.fromkeys(map(str, node_files), NODE_COLUMNS)
    required |= {str(path): RELATION_COLUMNS for path in relation_files if str(path) not in required}
    nodes, relations, problems = [], [], []
    for path, columns in required.items():
        more_nodes, more_relations = read_rows(path, columns)
        nodes += more_nodes
        relations += more_relations
    if not relations:
        raise InputError(
            f"{', '.join(required)}: no relation; name the files that hold them in config key graph.relations"
        )
    ids = _Ids(nodes)
    node_rows, relation_rows = _resolved_nodes(nodes, ids, left_out), _resolved_relations(relations, ids, problems)
    fact_rows = [row for path in fact_files for row in read_fact_rows(path)]
    return build_graph(node_rows, relation_rows, schema, toc, left_out, problems, fact_rows, evidence)


def load_exported(files: Mapping[str, str]) -> Graph:
    """Read the graph that rule graph has written, which says itself what it lacks.

    Args:
        files: a job's input with the names nodes, relations, schema and toc, and facts where they are needed.
    """
    schema, facts = read_schema(files["schema"]), [files["facts"]] if "facts" in files else []
    nodes, relations = [files["nodes"]], [files["relations"]]
    return load_graph(nodes, relations, schema, files["toc"], fact_files=facts, evidence=OPTIONAL)
