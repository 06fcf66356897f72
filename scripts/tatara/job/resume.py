"""Finished parts of long work, kept in a JSONL file outside the declared outputs until all are there."""

import json
from pathlib import Path


class FinishedRows:
    """Rows that a run has finished; a later run of the same inputs takes them up and goes on.

    The file's first line is a mark of the inputs (`checkpoints.fingerprint`). Rows of other inputs are dropped, and a
    torn last line with them.

    Attributes:
        rows: finished rows by their key.
    """

    def __init__(self, path: Path, mark: str, key: str = "id"):
        self.path, self.key = path, key
        self.rows = {row[key]: row for row in self._read(path, mark, key)}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._file.write(mark + "\n")
        for row in self.rows.values():
            self._write(row)
        self._file.flush()

    @staticmethod
    def _read(path: Path, mark: str, key: str) -> list[dict]:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
        rows = []
        for line in lines[1:] if lines and lines[0] == mark else []:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not isinstance(row, dict) or not isinstance(row.get(key), str):
                break
            rows.append(row)
        return rows

    def _write(self, row: dict) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def add(self, row: dict) -> None:
        """Keep a finished row."""
        self.rows[row[self.key]] = row
        self._write(row)
        self._file.flush()

    def __enter__(self) -> "FinishedRows":
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def remove(self) -> None:
        """Remove the file, once what it held is written elsewhere."""
        self.path.unlink()
