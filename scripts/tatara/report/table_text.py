"""How tables are shown: headings, notes, units, decimals. One layout serves the Markdown files and the report."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas

from tatara.files.formats import FORMATS, label_of
from tatara.files.text import write_text

NONE = "—"
Text = Callable[[dict], str]


@dataclass(frozen=True)
class Layout:
    """Title, note and columns (heading -> text of a row) of a table; `{level}` in the note is the confidence level."""

    title: str
    note: str
    columns: dict[str, Text]
    empty: str = "No rows."


@dataclass(frozen=True)
class Shown:
    """A table as it is read: headings and rows of text, and which columns hold numbers."""

    title: str
    note: str
    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    empty: str


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """Return a number with its decimals and thousands separators; large ones without decimals, a dash for NaN."""
    if math.isnan(value):
        return NONE
    decimals = 0 if abs(value) >= 1000 else min(decimals, 1) if abs(value) >= 100 else decimals
    text = f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}"
    zero = not any(digit in text for digit in "123456789")
    return text.lstrip("+-").replace("-", "−") if zero else text.replace("-", "−")


def interval(value: float, low: float, high: float, decimals: int = 2, sign: bool = False) -> str:
    """Return `2.31 [2.10, 2.52]`, or the number alone where there is no interval."""
    if math.isnan(value) or math.isnan(low):
        return number(value, decimals, sign)
    return f"{number(value, decimals, sign)} [{number(low, decimals, sign)}, {number(high, decimals, sign)}]"


def percent(value: float, decimals: int = 0) -> str:
    return NONE if math.isnan(value) else f"{100 * value:.{decimals}f} %"


def duration(seconds: float) -> str:
    """Return seconds, minutes or hours."""
    if math.isnan(seconds):
        return NONE
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def size(count: float) -> str:
    """Return bytes as MB or GB (powers of ten, as the paper has them)."""
    if math.isnan(count):
        return NONE
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def p_text(value: float) -> str:
    return NONE if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def small(value: float) -> str:
    """Return a number of any size such as a KL divergence, in two significant digits, such as 0.012 or 2.1e−7."""
    if math.isnan(value) or value == 0 or abs(value) >= 0.001:
        return NONE if math.isnan(value) else f"{value:.2g}".replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def _number(key: str, decimals: int = 2) -> Text:
    return lambda row: number(row[key], decimals)


def _interval(key: str, decimals: int = 2, sign: bool = False) -> Text:
    return lambda row: interval(row[key], row[f"{key}_low"], row[f"{key}_high"], decimals, sign)


def _named(key: str) -> Text:
    return lambda row: str(row[key])


def _format(row: dict) -> str:
    return FORMATS[row["format"]].label


def _count(key: str) -> Text:
    return lambda row: NONE if math.isnan(row[key]) else f"{int(row[key]):,}"


def _perfect(row: dict) -> str:
    if math.isnan(row["perfect_low"]):
        return percent(row["perfect"])
    return f"{percent(row['perfect'])} [{100 * row['perfect_low']:.0f}, {100 * row['perfect_high']:.0f}]"


def _share(key: str) -> Text:
    def text(row: dict) -> str:
        value, low, high = (100 * row[f"{key}{end}"] for end in ("", "_low", "_high"))
        return NONE if math.isnan(value) else f"{interval(value, low, high, 1)} %"

    return text


def _small_interval(row: dict, key: str) -> str:
    value, low, high = (small(row[f"{key}{end}"]) for end in ("", "_low", "_high"))
    return value if low == NONE else f"{value} [{low}, {high}]"


LAYOUTS = {
    "table1": Layout(
        "Training loss and cost by size",
        "Loss in nats per answer token: of the last step, and the mean over all steps. Means over seeds where there "
        "are several.",
        {
            "n": _count("n"),
            "Final loss": _number("final_loss", 4),
            "Average loss": _number("mean_loss", 4),
            "Time": lambda row: duration(row["seconds"]),
            "Samples/s": _number("samples_per_second"),
            "Tokens/s": _number("tokens_per_second", 0),
            "Peak memory": lambda row: size(row["peak_memory_bytes"]),
            "Seeds": _count("seeds"),
        },
    ),
    "table2": Layout(
        "Test-set NLL by size",
        "NLL in nats per answer token over the reference answers, PPL = exp(NLL), bits per UTF-8 byte of the answer. "
        "Δ NLL is against the size "
        "before; in brackets {level} bootstrap intervals over questions. The status follows from p, a paired "
        "permutation test over questions.",
        {
            "n": _count("n"),
            "NLL": lambda row: interval(row["nll"], row["nll_low"], row["nll_high"], 4),
            "PPL": _interval("ppl"),
            "Bits per byte": _interval("bits_per_byte", 3),
            "Δ NLL": lambda row: interval(row["delta_nll"], row["delta_low"], row["delta_high"], 4, sign=True),
            "p": lambda row: p_text(row["p_value"]),
            "Status": _named("status"),
            "SD over seeds": _number("sd_over_seeds", 4),
            "Seeds": _count("seeds"),
        },
    ),
    "table3": Layout(
        "Models compared",
        "Each model in its format of the most bits. Score 0 to 3, mean over the questions; perfect: share of score 3 "
        "(Wilson interval); length in "
        "characters and time in seconds are per answer. Brackets are {level} intervals over questions. Against the "
        "best: paired difference of the "
        "mean score, p by a paired permutation test corrected by Holm's method; could have shown: the smallest "
        "difference that so many questions "
        "show with 80 % power, where the scores differ at all. p, perfect: McNemar's test of the perfect rate, Holm's "
        "correction. Bits per byte "
        "compare models whose tokenizers differ; lower is better. Invalid: questions without a valid score.",
        {
            "Model": _named("name"),
            "Format": _format,
            "Average score": _interval("score", 3),
            "Perfect": _perfect,
            "Score 0": _count("score0"),
            "Length": _interval("characters", 0),
            "s/question": _interval("seconds", 2),
            "Bits per byte": _interval("bits_per_byte", 3),
            "Against the best": _interval("difference", 3, sign=True),
            "p": lambda row: p_text(row["p_holm"]),
            "Verdict": _named("verdict"),
            "Could have shown": _number("smallest_difference", 3),
            "p, perfect": lambda row: p_text(row["perfect_p_holm"]),
            "Questions": _count("questions"),
            "Invalid": _count("invalid"),
        },
    ),
    "table4": Layout(
        "Score distribution",
        "How many of the questions got each score, by model and format.",
        {
            "Model": _named("name"),
            "Format": _format,
            "Score 3": _count("score3"),
            "Score 2": _count("score2"),
            "Score 1": _count("score1"),
            "Score 0": _count("score0"),
            "Invalid": _count("invalid"),
        },
    ),
    "table5": Layout(
        "Quantization against F16",
        'Δ is quantized less F16 over the same questions, with its {level} bootstrap interval; a verdict other than "no difference shown" needs '
        "a paired permutation test at that level after Holm's correction; could have shown: the smallest difference "
        "that so many questions show "
        "with 80 % power, where the scores differ at all. p, perfect: McNemar's test of the perfect rate. Speed-up is "
        "the ratio of seconds per "
        "question, throughput that of generated tokens per second, which does not depend on how long the answers are. "
        "KL in nats per token from "
        "the transformers model; NLL in nats per answer token.",
        {
            "Model": _named("name"),
            "Format": _format,
            "Score F16 → quantized": lambda row: f"{number(row['score_f16'], 3)} → {number(row['score'], 3)}",
            "Δ score": _interval("difference", 3, sign=True),
            "Score verdict": _named("verdict"),
            "Could have shown": _number("smallest_difference", 3),
            "Perfect": lambda row: f"{percent(row['perfect_f16'])} → {percent(row['perfect'])}",
            "p, perfect": lambda row: p_text(row["perfect_p_holm"]),
            "s/question": lambda row: f"{number(row['seconds_f16'])} → {number(row['seconds'])}",
            "Speed-up": lambda row: f"{number(row['speedup'])}×",
            "Throughput": lambda row: f"{number(row['throughput_ratio'])}×",
            "Size": lambda row: f"{size(row['bytes_f16'])} → {size(row['bytes'])}",
            "KL": lambda row: small(row["mean_kl"]),
            "Top-1": lambda row: percent(row["top1_agreement"], 1),
            "Δ NLL": _interval("nll_difference", 4, sign=True),
            "NLL verdict": _named("nll_verdict"),
        },
        "No model was answered with both in F16 and in a quantized GGUF format.",
    ),
    "table6": Layout(
        "Which quantization to ship",
        "The rule stands in the configuration (quantization.max_delta_nll, quantization.min_top1): the smallest file "
        "whose {level} interval of Δ "
        "NLL against F16 ends below the first and whose interval of top-1 agreement with F16 begins above the second, "
        "and whose scores are not "
        "shown to degrade. The attention shape is read from each model's own config.",
        {
            "Model": _named("name"),
            "Attention": lambda row: f"{row['attention']}, {row['heads']:.0f} heads, {row['kv_heads']:.0f} KV",
            "QKV bias": lambda row: "yes" if str(row["qkv_bias"]) == "True" else "no",
            "Ship": _named("recommended"),
            "Size": lambda row: size(row["bytes"]),
            "Of F16": lambda row: percent(row["share_of_f16"]),
            "Δ NLL": _interval("nll_difference", 4, sign=True),
            "Top-1": _share("top1"),
            "Why not smaller": _named("reason"),
        },
    ),
    "ladder": Layout(
        "The quantization ladder, by token",
        "Over the answer tokens of the reference answers, against F16, in nats per token; brackets are {level} "
        "bootstrap intervals over questions. "
        "A verdict needs a paired permutation test after Holm's correction within the model. imatrix: quantized with "
        "an importance matrix computed "
        "on the training subset. Other types: share of the weights that llama.cpp stored in types of more bits than "
        "the format's, since the rows of "
        "their matrices are no multiple of 256 long. Prompt tokens/s is how fast the file reads text on this machine.",
        {
            "Model": _named("name"),
            "Format": lambda row: label_of(row["variant"]),
            "Size": lambda row: size(row["bytes"]),
            "Bits/weight": _number("bits_per_weight"),
            "Other types": lambda row: percent(row["other_types"]) if row["other_types"] else "—",
            "KL": lambda row: _small_interval(row, "kl"),
            "Top-1": _share("top1"),
            "Δ NLL": _interval("nll_difference", 4, sign=True),
            "p": lambda row: p_text(row["p_holm"]),
            "Verdict": _named("verdict"),
            "Prompt tokens/s": _number("tokens_per_second", 0),
        },
        "No model has a GGUF file.",
    ),
    "agreement": Layout(
        "Agreement of the judges",
        "Over all answers that both sides scored. Kappa: Cohen's, with quadratic weights; alpha: Krippendorff's, "
        "interval data; raw: share of equal "
        "scores, which is high by chance where one score prevails. Brackets are {level} bootstrap intervals over "
        "questions. A dash: every score is "
        "the same. Invalid: answers that one side gave no score, left out.",
        {
            "Compared": lambda row: {"judges": "two judges", "repeats": "two repeats"}[row["comparison"]],
            "One": _named("one"),
            "Other": _named("other"),
            "Answers": _count("items"),
            "Invalid": _count("invalid"),
            "Weighted kappa": _interval("kappa", 3),
            "Alpha": _interval("alpha", 3),
            "Raw agreement": _interval("raw", 3),
        },
        "One judge with one repeat: there is nothing to compare. Name more judges under judge.judges in the "
        "configuration.",
    ),
    "merge": Layout(
        "What merging and conversion cost",
        "NLL of the reference answers in nats per token. Δ is against the adapter on its NF4 base, the very model "
        "that was trained; brackets are "
        "{level} bootstrap intervals over questions, p by a paired permutation test after Holm's correction within "
        "the model.",
        {
            "Model": _named("name"),
            "As": _named("label"),
            "NLL": _interval("nll", 4),
            "Δ NLL": _interval("difference", 4, sign=True),
            "p": lambda row: p_text(row["p_holm"]),
            "Verdict": _named("verdict"),
        },
    ),
}
WORDS = {
    "Model",
    "Format",
    "Status",
    "Verdict",
    "Score verdict",
    "NLL verdict",
    "Attention",
    "QKV bias",
    "Ship",
    "Why not smaller",
    "As",
    "Architecture",
    "Why",
    "Compared",
    "One",
    "Other",
}


def shown(table: str, frame: pandas.DataFrame, level: float) -> Shown:
    """Return a table as text.

    Args:
        table: a key of LAYOUTS.
        frame: as the builders in `tables` return it, or as read back from its CSV file.
        level: confidence level of its intervals.
    """
    layout = LAYOUTS[table]
    note = layout.note.format(level=percent(level).replace(" ", " "))
    title = f"Table {table.removeprefix('table')}. {layout.title}" if table.startswith("table") else layout.title
    return lay_out(replace(layout, title=title, note=note), frame)


def lay_out(layout: Layout, frame: pandas.DataFrame) -> Shown:
    """Return the rows of a frame as a layout shows them."""
    rows = [[text(row) for text in layout.columns.values()] for row in frame.to_dict("records")]
    headings = list(layout.columns)
    return Shown(
        layout.title, layout.note, headings, rows, [heading not in WORDS for heading in headings], layout.empty
    )


def markdown(table: Shown, notice: str) -> str:
    """Return a Markdown document of one table."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    parts = [f"### {table.title}"] + ([f"> **{notice}**"] if notice else [])
    if table.rows:
        rule = "|" + "|".join(" ---: " if numeric else " --- " for numeric in table.numeric) + "|"
        parts.append("\n".join([line(table.headings), rule, *map(line, table.rows)]))
    else:
        parts.append(table.empty)
    return "\n\n".join([*parts, table.note]) + "\n"


def write_table(
    table: str,
    frame: pandas.DataFrame,
    *,
    csv: Path | str,
    md: Path | str,
    level: float,
    notice: str = "",
    paper: Shown | None = None,
) -> None:
    """Write a table as CSV (plain numbers, every column) and as Markdown (as it is read).

    Args:
        notice: printed above the Markdown table where it is not empty.
        paper: the paper's table, from `paper.shown`; it stands below ours.
    """
    write_text(csv, frame.to_csv(index=False, lineterminator="\n"))
    text = markdown(shown(table, frame, level), notice)
    write_text(md, text if paper is None else f"{text}\n{markdown(paper, '')}")


def read_table(path: Path | str) -> pandas.DataFrame:
    """Return a table as it was written to CSV."""
    return pandas.read_csv(path, keep_default_na=False, na_values=[""])
