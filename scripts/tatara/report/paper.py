"""The paper's own values (resources/paper), to be shown beside ours."""

from pathlib import Path

import pandas

from tatara.files.formats import FORMATS
from tatara.report.table_text import Layout, Shown, duration, lay_out, number, percent, size

# One line of the paper's Table 5 holds both formats; the score of Tables 3 and 4 is that of F16, for Tanuki-8B of NF4.
NOTE = "As printed in the paper (arXiv 2603.18037): models of 8 B parameters, one RTX 4060 Ti, one seed, no intervals. {more}"
_model = {"Model": lambda row: row["name"]}
_format = {"Format": lambda row: FORMATS[row["format"]].label}
LAYOUTS = {
    "table1": Layout(
        "",
        "Losses in nats per answer token.",
        {
            "n": lambda row: f"{row['n']:,}",
            "Final loss": lambda row: number(row["final_loss"], 4),
            "Average loss": lambda row: number(row["mean_loss"], 4),
            "Time": lambda row: duration(row["seconds"]),
        },
    ),
    "table2": Layout(
        "",
        "Nats per answer token of another tokenizer than ours: compare the shape, not the height.",
        {
            "n": lambda row: f"{row['n']:,}",
            "NLL": lambda row: number(row["nll"], 4),
            "PPL": lambda row: number(row["ppl"]),
            "Δ NLL": lambda row: number(row["delta_nll"], 3, sign=True),
            "Status": lambda row: row["status"],
        },
    ),
    "table3": Layout(
        "",
        "Scored by qwen2.5:14b.",
        {
            **_model,
            **_format,
            "Average score": lambda row: number(row["score"], 3),
            "Perfect": lambda row: percent(row["perfect"]),
            "Score 0": lambda row: str(row["score0"]),
            "Length": lambda row: str(row["characters"]),
            "s/question": lambda row: number(row["seconds"], 1),
        },
    ),
    "table4": Layout(
        "",
        "Scored by qwen2.5:14b.",
        {
            **_model,
            **_format,
            **{f"Score {level}": lambda row, level=level: str(row[f"score{level}"]) for level in (3, 2, 1, 0)},
        },
    ),
    "table5": Layout(
        "",
        "With 100 questions, +0.010 and +0.030 are one and three points of 300.",
        {
            **_model,
            **_format,
            "Score F16 → quantized": lambda row: f"{number(row['score_f16'], 3)} → {number(row['score'], 3)}",
            "Δ score": lambda row: number(row["difference"], 3, sign=True),
            "Perfect": lambda row: f"{percent(row['perfect_f16'])} → {percent(row['perfect'])}",
            "s/question": lambda row: f"{number(row['seconds_f16'], 1)} → {number(row['seconds'], 1)}",
            "Speed-up": lambda row: f"{number(row['speedup'], 1)}×",
            "Size": lambda row: f"{size(row['bytes_f16'])} → {size(row['bytes'])}",
        },
    ),
    "table6": Layout(
        "",
        "All four models are GQA by their own configurations: the paper's column Attention is wrong.",
        {
            **_model,
            "Architecture": lambda row: row["architecture"],
            "Attention": lambda row: row["attention"] or "—",
            "Ship": lambda row: row["recommended"],
            "Why": lambda row: row["reason"],
        },
    ),
}


def read_paper(path: Path | str) -> pandas.DataFrame:
    """Return one of resources/paper/*.csv; empty cells are NaN in columns of numbers and empty text in the others."""
    frame = pandas.read_csv(path)
    return frame.fillna(
        {column: "" for column in frame.columns if not pandas.api.types.is_numeric_dtype(frame[column])}
    )


def shown(table: str, path: Path | str) -> Shown:
    """Return the paper's table as text.

    Args:
        table: `table1` … `table6`; path: resources/paper/{table}.csv.
    """
    layout = LAYOUTS[table]
    note = NOTE.format(more=layout.note)
    return lay_out(Layout(f"The paper's Table {table.removeprefix('table')}", note, layout.columns), read_paper(path))
