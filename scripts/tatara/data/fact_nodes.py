"""Facts that are nodes of their own, as in a Neo4j database: taken out of the rows of nodes and relations."""

from collections.abc import Iterable, Iterator

from tatara.data.facts import LABEL, RELATION
from tatara.data.schema import Schema


class FactNodes:
    """Takes facts that are nodes of their own out of the rows of nodes and relations, in this order."""

    def __init__(self, schema: Schema):
        self.apart = LABEL not in schema.labels
        self.rows: dict[str, tuple[str, dict]] = {}

    def nodes(self, rows: Iterable[tuple[str, dict]]) -> Iterator[tuple[str, dict]]:
        for where, row in rows:
            if self.apart and LABEL in row["label"].split(";"):
                self.rows[row["id"]] = (where, row)
            else:
                yield where, row

    def relations(self, rows: Iterable[tuple[str, dict]]) -> Iterator[tuple[str, dict]]:
        for where, row in rows:
            if self.apart and row["type"] == RELATION and row["end"] in self.rows:
                self.rows[row["end"]][1]["node"] = row["start"]
            else:
                yield where, row
