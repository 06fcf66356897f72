"""The paper held against itself (docs/paper-audit.md)."""

import shutil

import pytest
from paper_audit.checks import AGREES, DIFFERS, Paper
from paper_audit.page import audit, page
from paper_audit.scores import parameters
from pipeline_copy import REPOSITORY
from tatara.report.tables import registry

TABLES = REPOSITORY / "resources/paper"


def test_the_page_is_what_the_numbers_give():
    written = (REPOSITORY / "docs/paper-audit.md").read_text(encoding="utf-8")
    assert page(audit(TABLES)) == written, "run python tools/paper_audit"


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("swallow", 8_030_261_248),
        ("qwen", 7_615_616_512),
    ],  # as the published model cards of Llama 3 8B and Qwen2.5-7B count them
)
def test_weights_counted_from_a_configuration(model, count):
    assert parameters(Paper(TABLES).row("models", model)) == count


def _verdict(folder, statement: str) -> str:
    return next(check.verdict for part in audit(folder).values() for check in part if statement in check.statement)


@pytest.mark.parametrize(
    ("table", "old", "new", "statement"),
    [
        ("table2", "1.1272,3.09", "1.1272,3.19", "PPL = exp(NLL)"),
        ("table4", "f16,84,15", "f16,85,15", "add up to the questions"),
        ("table5", ",6.1,", ",6.6,", "Speed-up"),
        ("relations", "1365,24.5", "1365,25.5", "Share of each"),
        ("table2", "1.3190", "1.4190", "Rise of the NLL"),
    ],
)
def test_a_number_that_does_not_follow_is_found(tmp_path, table, old, new, statement):
    shutil.copytree(TABLES, tmp_path / "paper")
    assert _verdict(TABLES, statement) == AGREES
    file = tmp_path / "paper" / f"{table}.csv"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert _verdict(tmp_path / "paper", statement) == DIFFERS


def test_what_is_known_to_be_wrong_is_called_so():
    for statement in (
        "Share of HAS_CHAPTER after",
        "within 10 s",
        "MHA and Qwen2.5 GQA",
        "Languages of Qwen2.5",
        "after stage 2 (F16)",
    ):
        assert _verdict(TABLES, statement) == DIFFERS


def test_every_table_of_the_paper_can_be_shown_and_no_cell_is_empty():
    with_paper = [name for name, table in registry.TABLES.items() if table.paper]
    assert with_paper == [f"table{number}" for number in range(1, 7)]
    for name in with_paper:
        table = registry.paper_text_of(name, TABLES / f"{name}.csv")
        assert table.rows and all(cell for row in table.rows for cell in row)
        assert "nan" not in str(table.rows)
