"""Names and titles that look like paths, commands, markup or templates stay what they are: text, in the files where
they belong.
"""

import csv
import json

import pytest
import yaml
from pipeline_copy import Copy
from tatara.files.jsonl import read_jsonl

NAMES = [
    "../../../tmp/外へ",
    "$(touch made)",
    "`touch made`; touch made",
    "引用\"符'と,カンマ",
    "改行\nを含む名",
    "長" * 300,
    "<script>document.title=1</script>",
    "{start.__class__}",
    "{{ 7 * 7 }}",
    "%s%n",
    "\u202e逆向き",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Copy:
    """The data stage and the data page, with hostile names in the graph and a hostile title in the configuration."""
    copy = Copy(tmp_path_factory.mktemp("hostile"))
    path = copy.folder / "resources/graph/nodes_domain.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for row, name in zip(rows, NAMES, strict=False):
        row[1] = name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    config = yaml.safe_load((copy.folder / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["qa"] = {"diversity_sample": 4}  # its time grows with the square
    config["study"]["title"] = "</title><script>alert(1)</script> $(touch made) ../x"
    (copy.folder / "config/hostile.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    targets = ["results/data.html", "results/subsets/quality.csv", "results/config.yaml"]
    done = copy.snakemake(*targets, "--cores", "2", config="config/hostile.yaml")
    assert done.returncode == 0, done.stdout[-4000:]
    return copy


def test_names_come_through_as_they_are(hostile):
    with (hostile.folder / "results/graph/nodes.csv").open(encoding="utf-8", newline="") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert set(NAMES) <= names
    questions = "".join(
        pair["question"] + pair["answer"] for pair in read_jsonl(hostile.folder / "results/qa/qa_pairs.jsonl")
    )
    assert "$(touch made)" in questions and "{start.__class__}" in questions and "{{ 7 * 7 }}" in questions


def test_nothing_was_executed_and_nothing_lies_outside(hostile):
    assert not list(hostile.folder.rglob("made"))
    assert not list(hostile.folder.parent.rglob("外へ*"))
    for path in (hostile.folder / "results").rglob("*"):
        assert not any(name in path.name for name in ("touch", "長長", "script", "外へ")), path


def test_the_page_shows_them_as_text(hostile):
    page = (hostile.folder / "results/data.html").read_text(encoding="utf-8")
    assert "<script>document.title" not in page and "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_resolved_configuration_is_the_same_text(hostile):
    config = yaml.safe_load((hostile.folder / "results/config.yaml").read_text(encoding="utf-8"))
    assert config["study"]["title"] == "</title><script>alert(1)</script> $(touch made) ../x"
    assert json.dumps(config)
