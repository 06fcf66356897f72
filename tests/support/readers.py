"""Every reader of a file, with a good file for it; and ways to spoil a file. For the property tests and the fuzz run
(tests/faults/fuzz.py).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline_copy import REPOSITORY
from tatara.data.graph_csv import load_graph, read_rows
from tatara.data.graph_header import NODE_COLUMNS
from tatara.data.schema import read_schema
from tatara.data.templates import read_templates
from tatara.data.testset import load_testset
from tatara.data.toc import read_toc
from tatara.evaluate import llm_judges
from tatara.files.config import read_config
from tatara.files.jsonl import read_jsonl
from tatara.files.strict_yaml import read_yaml
from tatara.files.text import read_text
from tatara.job import seals
from tatara.job.resume import FinishedRows
from tatara.measure.results import read_json, read_questions, read_scores
from tatara.measure.sizes import COLUMNS, read_scale
from tatara.train import checkpoints

RESOURCES = REPOSITORY / "resources"
BEES = REPOSITORY / "tests/data/beekeeping"


@dataclass(frozen=True)
class Reader:
    """A reader and the bytes of a good file; `suffix` is the ending that it expects."""

    read: Callable[[Path], object]
    good: bytes
    suffix: str


def _head(path: Path, lines: int) -> bytes:
    """Return the first lines of a file: a short file is spoilt in more of its places."""
    return b"".join(path.read_bytes().splitlines(keepends=True)[:lines])


def _config(path: Path) -> object:
    return read_config([path], REPOSITORY)


def _domain(path: Path) -> object:
    """Read a file as the domain file of the smoke study."""
    study = path.with_name("study.yaml")
    text = (REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8")
    study.write_text(text.replace("config/domains/river.yaml", str(path)), encoding="utf-8")
    return read_config([study], REPOSITORY)


def _taken_up(path: Path) -> object:
    with FinishedRows(path, "mark") as kept:
        return kept.rows


def _seal(path: Path) -> object:
    """Read a file as the seal of itself."""
    return seals.problem(path, path)


def _checkpoint(path: Path) -> object:
    folder = path.parent / "checkpoint-1"
    folder.mkdir(exist_ok=True)
    (folder / checkpoints.SEAL).write_bytes(path.read_bytes())
    return checkpoints.latest(path.parent, "mark")


SCHEMA = read_schema(RESOURCES / "graph/schema.yaml")
TOC = read_toc(RESOURCES / "graph/toc.csv")
_SCORES = (
    "id,question,category,score,reason,judge,repeat,valid,seconds,characters,prompt_digest\n"
    'q1,"堤防とは, 何か",設計,3,よい,rubric,1,True,1.5,20,00\n'
    'q2,ダムとは何か,設計,,"not a score",llm,1,False,1.5,20,00\n'
)
_QUESTIONS = {
    "name": "a",
    "model": "a",
    "nll": 1.0,
    "questions": [{"id": "q1", "category": "設計", "nats": 3.5, "tokens": 3, "bytes": 12}],
}
_RUN = {"run": "m_n8_r16_s42", "model": "m", "n": "8", "r": "16", "seed": "42", "status": "better"}
READERS = {
    "text": Reader(read_text, "堤防\r\nダム\n".encode(), ".txt"),
    "YAML": Reader(read_yaml, (RESOURCES / "graph/schema.yaml").read_bytes(), ".yaml"),
    "JSONL": Reader(read_jsonl, _head(RESOURCES / "testset/test_set_200.jsonl", 2), ".jsonl"),
    "JSON": Reader(read_json, json.dumps(_QUESTIONS, ensure_ascii=False, indent=1).encode(), ".json"),
    "CSV of the graph": Reader(
        lambda path: read_rows(path, NODE_COLUMNS), _head(RESOURCES / "graph/nodes_domain.csv", 5), ".csv"
    ),
    "graph": Reader(
        lambda path: load_graph(
            [RESOURCES / "graph/nodes_structure.csv", path],
            [RESOURCES / "graph/relations_structure.csv"],
            SCHEMA,
            RESOURCES / "graph/toc.csv",
        ),
        _head(RESOURCES / "graph/nodes_domain.csv", 4),
        ".csv",
    ),
    "table of contents": Reader(read_toc, _head(RESOURCES / "graph/toc.csv", 12), ".csv"),
    "schema": Reader(read_schema, (RESOURCES / "graph/schema.yaml").read_bytes(), ".yaml"),
    "templates": Reader(
        lambda path: read_templates([path], SCHEMA), (RESOURCES / "templates/generic.yaml").read_bytes(), ".yaml"
    ),
    "test set": Reader(
        lambda path: load_testset(path, SCHEMA, TOC), _head(RESOURCES / "testset/test_set_200.jsonl", 3), ".jsonl"
    ),
    "configuration": Reader(_config, (REPOSITORY / "config/smoke.yaml").read_bytes(), ".yaml"),
    "domain file": Reader(_domain, (REPOSITORY / "config/domains/river.yaml").read_bytes(), ".yaml"),
    "configuration of a second domain": Reader(_config, (BEES / "beekeeping.yaml").read_bytes(), ".yaml"),
    "judge file": Reader(read_scores, _SCORES.encode(), ".csv"),
    "NLL file": Reader(lambda path: read_questions({"a": path}), json.dumps(_QUESTIONS).encode(), ".json"),
    "scale.csv": Reader(
        read_scale,
        (",".join(COLUMNS) + "\n" + ",".join(_RUN.get(key, "1.5") for key in COLUMNS) + "\n").encode(),
        ".csv",
    ),
    "judge's prompt": Reader(
        lambda path: llm_judges.render(read_text(path), path, {"question": "問", "reference": "答"}, "解", True),
        (RESOURCES / "judge/prompt.md").read_bytes(),
        ".md",
    ),
    "judge's output": Reader(
        lambda path: llm_judges.parse(path.read_bytes().decode("utf-8", "replace")),
        b'{"reason": "x", "score": 3}',
        ".txt",
    ),
    "interrupted answers": Reader(_taken_up, b'mark\n{"id": "q1", "text": "x"}\n{"id": "q2", "text": "y"}\n', ".jsonl"),
    "seal": Reader(_seal, b'{"": [26, "00"], "a/b": [1, "x"]}\n', ".json"),
    "seal of a checkpoint": Reader(_checkpoint, b'{"fingerprint": "mark", "files": {}}', ".json"),
}

# What breaks readers: ends of fields and lines, other kinds of values, other alphabets, paths, code, what JSON lets
# pass.
NASTY = [
    b"",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"'",
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"NaN",
    b"Infinity",
    b"../../etc/passwd",
    b"$(touch x)",
    b"`touch x`",
    b"; touch x",
    b"{{ 7 * 7 }}",
    b"{% raw %}",
    b"{{ question.__class__ }}",
    b"{start.__class__}",
    b"<script>alert(1)</script>",
    b"!!python/object/apply:os.system [touch x]",
    b"&a [*a]",
    b"\t",
    b"%",
    b"%s",
    b"\\",
    "堤".encode() * 300,
    "\u202e".encode(),
    "\u2028".encode(),
    "𠮷👷🏽".encode(),
    "堤防".encode("shift_jis"),
    b"9" * 400,
    b"? ",
    b"- ",
    b"#",
    b"|",
]


def spoil(data: bytes, at: int, kind: int, what: int) -> bytes:
    """Return a file spoilt in one place.

    Args:
        at: where, taken modulo the length; kind: cut, insert, replace a byte, remove a stretch, repeat a stretch,
            exchange a field; what: with what.
    """
    place = at % (len(data) + 1)
    nasty = NASTY[what % len(NASTY)]
    if kind % 6 == 0:
        return data[:place]
    if kind % 6 == 1:
        return data[:place] + nasty + data[place:]
    if kind % 6 == 2:
        return data[:place] + bytes([what % 256]) + data[place + 1 :]
    length = 1 + what % 60
    if kind % 6 == 3:
        return data[:place] + data[place + length :]
    if kind % 6 == 4:
        return data[:place] + data[place : place + length] * 3 + data[place + length :]
    end = min((found for mark in b",\n" if (found := data.find(mark, place)) >= 0), default=len(data))
    return data[:place] + nasty + data[end:]
