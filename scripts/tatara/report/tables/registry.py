"""Every table by name: what builds it, how it is written, and how the paper's own is written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas

from tatara.files.text import write_text
from tatara.report.numbers import percent
from tatara.report.paper import read_paper
from tatara.report.tables import (
    agreement,
    at_hand,
    harm,
    ladder,
    merge,
    probe,
    recipes,
    repetition,
    table1,
    table2,
    table3,
    table4,
    table5,
    table6,
    taught,
)
from tatara.report.text_table import Layout, TextTable, lay_out, markdown


@dataclass(frozen=True)
class Table:
    """A table: how it is written; what builds it, where a rule of tables.smk does; how the paper's is written."""

    layout: Layout
    build: Callable[..., pandas.DataFrame] | None = None
    paper: Layout | None = None


# By the names of the files: table1.csv … table6.csv, taught.csv, repetition.csv, probe.csv, probe_types.csv,
# at_hand.csv, harm.csv and recipes.csv of results/tables/, ladder.csv and merge.csv of results/quant/, agreement.csv of
# results/judge/.
TABLES = {
    "table1": Table(table1.LAYOUT, table1.table1, table1.PAPER),
    "table2": Table(table2.LAYOUT, table2.table2, table2.PAPER),
    "table3": Table(table3.LAYOUT, table3.table3, table3.PAPER),
    "table4": Table(table4.LAYOUT, table4.table4, table4.PAPER),
    "table5": Table(table5.LAYOUT, table5.table5, table5.PAPER),
    "table6": Table(table6.LAYOUT, table6.table6, table6.PAPER),
    "taught": Table(taught.LAYOUT, taught.taught_table),
    "repetition": Table(repetition.LAYOUT, repetition.repetition_table),
    "probe": Table(probe.LAYOUT, probe.probe_table),
    "probe_types": Table(probe.TYPES, probe.probe_types),
    "at_hand": Table(at_hand.LAYOUT, at_hand.at_hand_table),
    "harm": Table(harm.LAYOUT, harm.harm_table),
    "recipes": Table(recipes.LAYOUT, recipes.recipes_table),
    "ladder": Table(ladder.LAYOUT, ladder.ladder_table),
    "merge": Table(merge.LAYOUT, merge.merge_table),
    "agreement": Table(agreement.LAYOUT),
}
# One line of the paper's Table 5 holds both formats; the score of Tables 3 and 4 is that of F16, for Tanuki-8B of NF4.
PAPER_NOTE = (
    "As printed in the paper (arXiv 2603.18037): models of 8 B parameters, one RTX 4060 Ti, one seed, no intervals. "
)


def text_of(name: str, frame: pandas.DataFrame, level: float) -> TextTable:
    """Return a table as text.

    Args:
        name: a key of TABLES.
        frame: as its builder returns it, or as read back from its CSV file.
        level: confidence level of its intervals.
    """
    return lay_out(TABLES[name].layout, frame, percent(level))


def paper_text_of(name: str, path: Path | str) -> TextTable:
    """Return the paper's table as text.

    Args:
        name: `table1` … `table6`; path: resources/paper/{name}.csv.
    """
    layout = TABLES[name].paper
    return lay_out(Layout(layout.title, PAPER_NOTE + layout.note, layout.columns), read_paper(path))


def write_table(
    name: str,
    frame: pandas.DataFrame,
    *,
    csv: Path | str,
    md: Path | str,
    level: float,
    notice: str = "",
    paper: Path | str | None = None,
) -> None:
    """Write a table as CSV (plain numbers, every column) and as Markdown (as it is read).

    Args:
        name: a key of TABLES.
        notice: printed above the Markdown table where it is not empty.
        paper: resources/paper/{name}.csv, where the paper's table is to stand below ours.
    """
    write_text(csv, frame.to_csv(index=False, lineterminator="\n"))
    text = markdown(text_of(name, frame, level), notice)
    write_text(md, text if paper is None else f"{text}\n{markdown(paper_text_of(name, paper), '')}")
