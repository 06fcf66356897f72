"""Stage 1 (§5): training, and the likelihood by size."""

import itertools
import math

from paper_audit.checks import WEAK, Check, Paper, all_equal, compare, equal, listed, yes


def _training(paper: Paper) -> list[Check]:
    text, loss = paper.text, paper["table1"]
    pace = [row["seconds"] / 60 / (row["n"] / 1000) for row in loss]
    printed, final = [text["final_1000"], text["final_5000"]], [loss[0]["final_loss"], loss[-1]["final_loss"]]
    return [
        Check(
            "§5.1",
            "Effective batch",
            f"{text['batch']:.0f}",
            f"{text['micro_batch']:.0f} × {text['accumulation']:.0f}",
            equal(text["batch"], text["micro_batch"] * text["accumulation"], 0),
        ),
        Check(
            "§5.2, Table 1",
            "Minutes for each 1,000 samples, “approximately”",
            f"{text['minutes_per_1000']:.0f}",
            listed(pace, 1),
            all_equal([text["minutes_per_1000"]] * len(pace), pace, 0),
        ),
        compare("§5.2, Table 1", "Final loss at n = 1,000 and 5,000", printed, final, 3, more=1),
    ]


def _likelihood(paper: Paper) -> list[Check]:
    text, nll = paper.text, paper["table2"]
    ppl, ppl_printed = [math.exp(row["nll"]) for row in nll], [row["ppl"] for row in nll]
    change = [after["nll"] - before["nll"] for before, after in itertools.pairwise(nll)]
    change_printed = [row["delta_nll"] for row in nll[1:]]
    best = min(nll, key=lambda row: row["nll"])
    optimal = next(row["n"] for row in nll if row["status"] == "Optimal")
    rise = 100 * (nll[-1]["nll"] / best["nll"] - 1)
    return [
        compare("Table 2", "PPL = exp(NLL)", ppl_printed, ppl, 2),
        compare("Table 2", "Δ NLL against the size before", change_printed, change, 3, more=1, sign=True),
        Check(
            "Table 2",
            "The smallest NLL is at the size called optimal",
            f"n = {optimal:,}",
            f"n = {best['n']:,}",
            yes(best["status"] == "Optimal"),
        ),
        Check(
            "§1.2, §5.3",
            "Rise of the NLL from n = 4,000 to 5,000",
            f"+{text['increase']:.0f} %",
            f"+{rise:.1f} %",
            equal(text["increase"], rise, 0),
        ),
        Check(
            "§5.3",
            "The rise is overfitting",
            "stated",
            "one seed a size: it cannot be told from the spread between seeds",
            WEAK,
        ),
    ]


def stage1(paper: Paper) -> list[Check]:
    """Return the checks of stage 1."""
    return _training(paper) + _likelihood(paper)
