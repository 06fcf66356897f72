"""Probe files: one row an item, with the likelihood of each option (docs/files.md)."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from tatara.files.rows import read_rows
from tatara.files.text import write_text

COLUMNS = ("name", "id", "kind", "type", "taught", "node", "answer", "nats", "nats_without")
LIKELIHOODS = ("nats", "nats_without")


def write_probe(path: Path | str, rows: Iterable[dict]) -> None:
    """Write a probe file; the nats of the four options stand in one field each, divided by semicolons."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        written = {key: ";".join(f"{value:.5f}" for value in row[key]) for key in ("nats", "nats_without")}
        writer.writerow(row | written | {"taught": "yes" if row["taught"] else "no"})
    write_text(path, text.getvalue())


def _row(fields: dict[str, str]) -> dict:
    likelihoods = {key: [float(value) for value in fields[key].split(";")] for key in LIKELIHOODS}
    return fields | likelihoods | {"taught": fields["taught"] == "yes", "answer": int(fields["answer"])}


def read_probe(path: Path | str) -> dict[str, list[dict]]:
    """Return name -> rows of a probe file, in their order.

    Raises:
        InputError: another header, or a field that is no number (file and line).
    """
    rows: dict[str, list[dict]] = {}
    for row in read_rows(path, COLUMNS, _row):
        rows.setdefault(row["name"], []).append(row)
    return rows
