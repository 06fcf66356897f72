"""The audit as a page: docs/paper-audit.md."""

from pathlib import Path

from paper_audit.checks import AGREES, DIFFERS, WEAK, Check, Paper
from paper_audit.data import data
from paper_audit.stage1 import stage1
from paper_audit.stage2 import stage2
from paper_audit.stage3 import stage3

INTRODUCTION = (
    "Every number of *Adapting Methods for Domain-Specific Japanese Small LMs* (arXiv 2603.18037) that follows from "
    "its other numbers, worked out again from `resources/paper/*.csv`. `python tools/paper_audit` writes this page, "
    "and `tests/test_paper_audit.py` fails when it is out of date. Facts that the paper does not hold (shapes of the "
    "models, their languages) come from the published configurations and model cards, as "
    "`resources/paper/models.csv` says."
)


def audit(folder: Path) -> dict[str, list[Check]]:
    """Return part of the paper -> its checks.

    Args:
        folder: resources/paper.
    """
    paper = Paper(folder)
    return {
        "Data (§4)": data(paper),
        "Stage 1 (§5)": stage1(paper),
        "Stage 2 (§6, §8)": stage2(paper),
        "Stage 3 (§7 to §9)": stage3(paper),
    }


def _table(checks: list[Check]) -> str:
    lines = ["| place | statement | printed | recomputed | verdict |", "| --- | --- | --- | --- | --- |"]
    for check in checks:
        verdict = check.verdict if check.verdict == AGREES else f"**{check.verdict}**"
        lines.append(f"| {check.place} | {check.statement} | {check.printed} | {check.recomputed} | {verdict} |")
    return "\n".join(lines)


def page(checks: dict[str, list[Check]]) -> str:
    """Return the audit as a Markdown document."""
    verdicts = [check.verdict for part in checks.values() for check in part]
    agree, differ, weak = (verdicts.count(verdict) for verdict in (AGREES, DIFFERS, WEAK))
    summary = f"Of {len(verdicts)} statements {agree} agree, {differ} do not, and {weak} have no support."
    parts = [f"## {title}\n\n{_table(part)}" for title, part in checks.items()]
    return "\n\n".join(["# The paper, recomputed", INTRODUCTION, summary, *parts]) + "\n"
