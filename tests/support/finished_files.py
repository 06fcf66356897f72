"""Two trees of results compared file by file, times excepted."""

import csv
import hashlib
import io
import json
from pathlib import Path

# What holds times, says how a job went, or has digests of such files.
SKIPPED = ("logs/", "benchmarks/", "checkpoints/", "seals/")
TIMES = (
    "seconds",
    "samples_per_second",
    "tokens_per_second",
    "peak_memory_bytes",
    "resumed_from",
    "speedup",
    "throughput_ratio",
)
# Pages, pictures and cards that show times among other things: their data is compared, and that they are there.
SHOWN = (".html", ".svg", ".png", ".md")


def _without_times(value):
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if not key.startswith(TIMES)}
    return [_without_times(item) for item in value] if isinstance(value, list) else value


def _content(path: Path) -> object:
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
        return [_without_times(row) for row in rows]
    if path.suffix in SHOWN:
        return "shown"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(results: Path) -> dict[str, object]:
    """Return path -> content without times (JSON, CSV) or digest of every file under a results folder."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if path.is_file() and not name.startswith(SKIPPED) and path.name != ".snakemake_timestamp":
            found[name] = _content(path)
    return found


def differing(one: Path, other: Path, part: bool = False) -> list[str]:
    """Return the files that are in one of two results folders alone, or differ in more than times.

    Args:
        part: the first folder may lack files.
    """
    first, second = tree(one), tree(other)
    assert len(first) > 50
    names = first.keys() if part else first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))
