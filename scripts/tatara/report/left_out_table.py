"""What the data stage dropped, joined or mended, as the data page shows it; a warning where that is much."""

import logging
from pathlib import Path

import pandas

from tatara.report.numbers import percent
from tatara.report.text_table import TextTable

logger = logging.getLogger("tatara")
WARNING = "⚠ "


def _rejected(augmented: Path | str) -> pandas.DataFrame:
    """Return the rejected pairs of augmented.csv by reason, in the columns of left_out.csv."""
    frame = pandas.read_csv(augmented)
    total = int(frame["pairs"].sum())
    rows = [
        {
            "what": f"rephrased pairs rejected: {line.outcome}",
            "count": line.pairs,
            "of": total,
            "share": line.pairs / total if total else 0.0,
            "asked_for": True,
            "examples": "",
        }
        for line in frame.itertuples()
        if line.outcome != "kept"
    ]
    return pandas.DataFrame(rows)


def left_out_table(files: list[Path | str], augmented: list[Path | str], warn_above: float) -> TextTable:
    """Return the table of what is left out, and log a warning for each row above a share.

    Args:
        files: graph/left_out.csv, qa/left_out.csv.
        augmented: qa/augmented.csv, or nothing where no pair is rephrased.
        warn_above: share of what there was, 0 to 1; what the user has asked for is never warned of.
    """
    frames = [pandas.read_csv(path, keep_default_na=False) for path in files]
    rows = []
    for line in pandas.concat([*frames, *map(_rejected, augmented)]).itertuples():
        warned = line.share > warn_above and not line.asked_for
        if warned:
            logger.warning("%s: %d of %d; for example %s", line.what, line.count, line.of, line.examples)
        what = line.what[0].upper() + line.what[1:]
        share = percent(line.share, 1) if line.count else "0 %"
        rows.append([f"{WARNING if warned else ''}{what}", f"{line.count:,}", f"{line.of:,}", share, line.examples])
    warnings = sum(row[0].startswith(WARNING) for row in rows)
    note = (
        f"{WARNING}marks more than {percent(warn_above)} (config key left_out.warn_above): {warnings} of {len(rows)} "
        "kinds. Pairs by relation type before and after undersampling stand in the table above."
    )
    headings = ["What", "Count", "Of", "Share", "Examples"]
    return TextTable(
        "What is left out, joined or mended", note, headings, rows, [False, True, True, True, False], "Nothing."
    )
