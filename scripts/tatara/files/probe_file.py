"""Probe files: one row an item, with the likelihood of each option (docs/files.md)."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from tatara.files.text import read_text, write_text
from tatara.job.errors import InputError

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


def read_probe(path: Path | str) -> dict[str, list[dict]]:
    """Return name -> rows of a probe file, in their order.

    Raises:
        InputError: another header, or a field that is no number (file and line).
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f"{path}:1: expected the header {','.join(COLUMNS)}; delete the file and run again")
    rows: dict[str, list[dict]] = {}
    try:
        for row in reader:
            likelihoods = {key: [float(value) for value in row[key].split(";")] for key in LIKELIHOODS}
            numbers = {"taught": row["taught"] == "yes", "answer": int(row["answer"])}
            rows.setdefault(row["name"], []).append(row | likelihoods | numbers)
    except (AttributeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}:{reader.line_num}: {error}; delete the file and run again") from None
    return rows
