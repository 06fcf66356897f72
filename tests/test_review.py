"""A review of a draft, as the page saves it, ends in the domain's files; one that does not fit is refused by name."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipeline_copy import REPOSITORY
from tatara.data.schema import read_schema
from tatara.draft.accept import accept
from tatara.draft.build import draft_domain
from tatara.draft.review import digest_of, read_tables, reviewed_tables
from tatara.draft.review_page import refresh_review_page
from tatara.draft.table import review_file, write_table
from tatara.job.errors import InputError

HANDBOOK = REPOSITORY / "tests/data/beekeeping/handbook.md"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("draft") / "bee"
    draft_domain([str(HANDBOOK)], folder, REPOSITORY)
    return folder


@pytest.fixture
def bee(drafted, tmp_path) -> Path:
    return shutil.copytree(drafted, tmp_path / "bee")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_review(folder: Path, changes: list[tuple], digest: str | None = None) -> Path:
    """Write a review beside the domain's folder, with the digest of its draft unless another is given."""
    path = folder.with_name("review.csv")
    first = ("draft", "", "digest", digest or digest_of(read_tables(folder)))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("table", "id", "field", "value"), first, *changes])
    return path


def accepted(folder: Path) -> list[tuple]:
    """Return the changes that accept every row of a draft."""
    tables = read_tables(folder)
    return [(table, row["id"], "status", "accepted") for table in tables for row in tables[table]]


def term(folder: Path, name: str) -> str:
    """Return the id of a term; a section may have the same name."""
    return next(row["id"] for row in rows(folder / "draft/nodes.csv") if (row["name"], row["label"]) == (name, "Term"))


def test_nothing_is_taught_before_a_review_and_what_it_accepts_after(bee):
    assert rows(bee / "facts.csv") == []
    fact = rows(bee / "draft/facts.csv")[1]
    changes = [change for change in accepted(bee) if change[0] != "facts"]
    review = write_review(bee, [*changes, ("facts", fact["id"], "status", "accepted")])
    accept(bee, REPOSITORY, review=review)
    assert [row["text"] for row in rows(bee / "facts.csv")] == [fact["text"]]


def test_edits_are_taught_as_they_were_written(bee):
    fact = rows(bee / "draft/facts.csv")[1]
    text = '春から夏の内検は、"7日から10日"の間隔で行う, と覚える。'
    edits = [("facts", fact["id"], "text", text), ("nodes", term(bee, "寄生率"), "name", "ダニの寄生率")]
    accept(bee, REPOSITORY, review=write_review(bee, [*accepted(bee), *edits]))
    texts = {row["text"] for row in rows(bee / "facts.csv")}
    assert text in texts and fact["text"] not in texts
    assert "ダニの寄生率" in {row["name"] for row in rows(bee / "nodes.csv")}


def test_rows_of_a_merged_name_go_to_the_kept_one(bee):
    merged, kept = term(bee, "寄生率"), term(bee, "ダニ")
    before = rows(bee / "draft/facts.csv")
    own = [row["text"] for row in before if row["node"] == merged]
    assert own
    # The relation between the two would lead from one to itself, and both are stated in the same chapter.
    tables = read_tables(bee)
    between = {"id": "r-1", "status": "draft", "score": "1", "start": merged, "type": "STATED_IN", "end": kept}
    write_table(bee, "relations", [*tables["relations"], {**tables["relations"][-1], **between}])
    review = write_review(bee, [*accepted(bee), ("nodes", merged, "merged_into", kept)])
    accept(bee, REPOSITORY, review=review)
    facts = {row["text"]: row["node"] for row in rows(bee / "facts.csv")}
    assert {facts[text] for text in own} == {kept}
    assert merged not in {row["id:ID"] for row in rows(bee / "nodes.csv")}
    relations = [(row[":START_ID"], row[":TYPE"], row[":END_ID"]) for row in rows(bee / "relations.csv")]
    assert merged not in {end for start, _, end in relations for end in (start, end)}
    assert all(start != end for start, _, end in relations) and len(set(relations)) == len(relations)
    chapters = {row["end"] for row in before_relations(bee) if row["start"] in (merged, kept)} - {kept}
    assert {end for start, type_, end in relations if start == kept and type_ == "STATED_IN"} == chapters


def before_relations(folder: Path) -> list[dict[str, str]]:
    return [row for row in rows(folder / "draft/relations.csv") if row["type"] == "STATED_IN"]


def test_of_rows_that_a_merge_made_double_the_accepted_one_stays(bee):
    merged, kept = term(bee, "寄生率"), term(bee, "ダニ")
    changes = [change for change in accepted(bee) if change[0] != "relations"]
    of_merged = next(row for row in before_relations(bee) if row["start"] == merged)
    assert any(row["start"] == kept and row["end"] == of_merged["end"] for row in before_relations(bee))
    review = write_review(
        bee, [*changes, ("relations", of_merged["id"], "status", "accepted"), ("nodes", merged, "merged_into", kept)]
    )
    tables = reviewed_tables(bee, read_schema(bee / "schema.yaml"), review)
    doubles = [row for row in tables["relations"] if row["start"] == kept and row["end"] == of_merged["end"]]
    assert sorted((row["id"] == of_merged["id"], row["status"]) for row in doubles) == [
        (False, "rejected"),
        (True, "accepted"),
    ]


def test_merges_may_follow_one_another(bee):
    first, second, third = (term(bee, name) for name in ("寄生率", "ダニ", "内検"))
    merges = [("nodes", first, "merged_into", second), ("nodes", second, "merged_into", third)]
    tables = reviewed_tables(bee, read_schema(bee / "schema.yaml"), write_review(bee, merges))
    assert not {first, second} & {row["node"] for row in tables["facts"]}


def test_a_review_holds_until_another_is_given(bee):
    fact = rows(bee / "draft/facts.csv")[1]
    accept(
        bee,
        REPOSITORY,
        review=write_review(bee, [*accepted(bee), ("facts", fact["id"], "text", "7から10日毎の内検。")]),
    )
    (bee / "facts.csv").unlink()
    accept(bee, REPOSITORY)
    assert "7から10日毎の内検。" in {row["text"] for row in rows(bee / "facts.csv")}
    # What was taken back is not taught any more.
    accept(bee, REPOSITORY, review=write_review(bee, accepted(bee)))
    assert fact["text"] in {row["text"] for row in rows(bee / "facts.csv")}


def test_a_review_is_never_drafted_over(bee):
    accept(bee, REPOSITORY, review=write_review(bee, accepted(bee)))
    before = review_file(bee).read_bytes()
    with pytest.raises(InputError, match=r"draft/review\.csv changed since the draft was made: it is reviewed"):
        draft_domain([str(HANDBOOK)], bee, REPOSITORY)
    assert review_file(bee).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("fact", "x", "status", "accepted"), "unknown table 'fact'; did you mean facts?"),
        (("facts", "f-nothing", "status", "accepted"), "draft/facts.csv has no row 'f-nothing'"),
        (("nodes", "v1", "statis", "accepted"), "no field 'statis' that a review may change; did you mean status?"),
        (("nodes", "v1", "span_start", "3"), "no field 'span_start'"),
        (("nodes", "v1", "status", "acepted"), "'acepted', which is unknown; did you mean accepted?"),
        (("nodes", "v1", "merged_into", "v9"), "merged_into of v1 is 'v9', which is no term of its label"),
        (("nodes", "v1", "name", " "), "name of v1 must not be empty"),
        (("nodes", "v1-c01", "merged_into", "v1-c02"), "which is no term of its label"),
        (("relations", "s-v1-c01", "type", "HAS_CHAPTERS"), "did you mean HAS_CHAPTER?"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(bee, change, message):
    review = write_review(bee, [("nodes", "v1-c01", "status", "accepted"), change])
    before = (bee / "nodes.csv").read_bytes()
    with pytest.raises(InputError) as raised:
        accept(bee, REPOSITORY, review=review)
    assert f"{review}:4: " in str(raised.value) and message in str(raised.value)
    assert (bee / "nodes.csv").read_bytes() == before and not review_file(bee).exists()


def test_a_circle_of_merges_is_named(bee):
    one, other = term(bee, "寄生率"), term(bee, "ダニ")
    merges = [("nodes", one, "merged_into", other), ("nodes", other, "merged_into", one)]
    with pytest.raises(InputError, match=rf"review\.csv:3: {one} is merged into itself, by way of {other}"):
        accept(bee, REPOSITORY, review=write_review(bee, merges))


def test_a_field_that_stands_twice_is_named(bee):
    review = write_review(bee, [("nodes", "v1", "name", "手引き"), ("nodes", "v1", "name", "本")])
    with pytest.raises(InputError, match=r"review\.csv:4: name of v1 stands at .*review\.csv:3 as well"):
        accept(bee, REPOSITORY, review=review)


def test_a_review_of_another_draft_is_refused_and_the_page_is_made_anew(bee):
    page = refresh_review_page(bee)
    review = write_review(bee, [("nodes", "v1", "status", "accepted")])
    tables = read_tables(bee)
    write_table(bee, "facts", tables["facts"][1:])
    command = [sys.executable, REPOSITORY / "tools/accept.py", bee, "--review", review]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and "they have changed since; open this file in" in done.stderr
    assert digest_of(read_tables(bee)) in page.read_text(encoding="utf-8")


def test_a_file_that_is_no_review_is_refused(bee):
    path = bee.with_name("other.csv")
    path.write_text("table,id,field,value\nnodes,v1,status,accepted\n", encoding="utf-8")
    with pytest.raises(InputError, match="no row says which draft this is a review of"):
        accept(bee, REPOSITORY, review=path)
    path.write_text("table,id,value\nnodes,v1,accepted\n", encoding="utf-8")
    with pytest.raises(InputError, match="missing column field"):
        accept(bee, REPOSITORY, review=path)
    with pytest.raises(InputError, match=r"elsewhere\.csv: there is no such file; give the review that"):
        accept(bee, REPOSITORY, review=bee / "elsewhere.csv")


def test_the_page_is_the_same_for_the_same_draft(bee, drafted):
    page = bee / "draft/review.html"
    before = page.read_bytes()
    page.unlink()
    assert refresh_review_page(bee).read_bytes() == before
