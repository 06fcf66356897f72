"""Stage 3 (§7 to §9): quantization, its sizes and speeds, and what is concluded from it."""

import math

from scipy import stats

from paper_audit.checks import AGREES, DIFFERS, WEAK, Check, Paper, compare, equal, listed, yes
from paper_audit.scores import mean_error, parameters, possible_counts


def _table5(paper: Paper) -> list[Check]:
    """Return the checks of Table 5 against itself."""
    text, rows = paper.text, paper["table5"]
    change, change_printed = [row["score"] - row["score_f16"] for row in rows], [row["difference"] for row in rows]
    speed, speed_printed = [row["seconds_f16"] / row["seconds"] for row in rows], [row["speedup"] for row in rows]
    smaller = [100 * (1 - row["bytes"] / row["bytes_f16"]) for row in rows]
    gains = [100 * (row["perfect"] - row["perfect_f16"]) for row in rows]
    gains_printed = [text[f"perfect_gain_{row['model']}"] for row in rows]
    return [
        compare("Table 5", "Δ score", change_printed, change, 3, sign=True),
        compare("§7.3", "Change of the perfect-score rate, percentage points", gains_printed, gains, 0, sign=True),
        compare("Table 5", "Speed-up", speed_printed, speed, 1, more=1, unit=" ×"),
        Check(
            "§7.4",
            "Files smaller by about",
            f"{text['reduction']:.0f} %",
            listed(smaller, 1) + " %",
            yes(all(equal(text["reduction"], value, 0, slack=0.5) == AGREES for value in smaller)),
        ),
    ]


def _score_counts(paper: Paper) -> list[Check]:
    """Return whether some counts of scores give what Table 5 prints of each model."""
    zeros = {"swallow": paper.text["score0_swallow_q4"], "elyza": None, "qwen": paper.text["score0_qwen_q4"]}
    checks = []
    for row in paper["table5"]:
        none = zeros[row["model"]]
        counts = possible_counts(row["score"], row["perfect"], none)
        stated = f"{row['score']:.3f}, {100 * row['perfect']:.0f} %"
        stated += "" if none is None else f", {none:.0f} of score 0"
        example = f"for example 3, 2, 1, 0 given {counts} times" if counts else "no counts do"
        statement = f"{row['name']} in Q4_K_M: some counts of scores give what is printed"
        checks.append(Check("Table 5, §7.3, §9.3", statement, stated, example, yes(bool(counts))))
    return checks


def _sizes(paper: Paper) -> list[Check]:
    """Return the checks of the F16 files' sizes against the models' configurations."""
    checks = []
    for row in paper["table5"]:
        weights, printed = parameters(paper.row("models", row["model"])) / 1e9, row["bytes_f16"] / 1e9
        recomputed = f"{2 * weights:.2f} (its configuration: {weights:.2f} × 10⁹ weights of two bytes)"
        verdict = equal(printed, 2 * weights, 1, slack=0.05)
        checks.append(Check("Table 5", f"Size of {row['name']} in F16, GB", f"{printed:.1f}", recomputed, verdict))
    return checks


def _conclusions(paper: Paper) -> list[Check]:
    """Return the checks of single statements about Q4_K_M."""
    text, rows = paper.text, paper["table5"]
    table5 = {row["model"]: row for row in rows}
    share = 100 * table5["elyza"]["score"] / table5["swallow"]["score"]
    zeros_f16 = paper.row("table3", "qwen")["score0"]
    return [
        Check(
            "§1.2",
            "Models compared in F16 and Q4_K_M",
            f"{text['quantized_models']:.0f}",
            f"Table 5 has {len(rows)}",
            equal(text["quantized_models"], len(rows), 0),
        ),
        Check(
            "§7.4",
            "Every model in Q4_K_M answers within 10 s",
            "stated",
            listed([row["seconds"] for row in rows], 1) + " s",
            yes(max(row["seconds"] for row in rows) < text["latency_limit"]),
        ),
        Check(
            "§9.3",
            "Score of ELYZA-JP-8B in parts of Swallow-8B's, Q4_K_M",
            f"{text['quality_share']:.0f} %",
            f"{share:.1f} %",
            equal(text["quality_share"], share, 0),
        ),
        Check(
            "§9.3",
            "Score 0 of Qwen2.5-7B, Q4_K_M against F16",
            f"{text['score0_times']:.0f} ×",
            f"{text['score0_qwen_q4']:.0f} against {zeros_f16}",
            equal(text["score0_times"], text["score0_qwen_q4"] / zeros_f16, 0),
        ),
    ]


def _speed_of_swallow(paper: Paper) -> Check:
    """Return whether the speed-up of Swallow-8B can be one of quantization: ELYZA-JP-8B has the same shape."""
    f16 = [paper.row("table3", model) for model in ("swallow", "elyza")]
    q4 = {model: paper.row("table5", model)["seconds"] for model in ("swallow", "elyza")}
    pace16 = [row["characters"] / row["seconds"] for row in f16]
    pace4 = [paper.text[f"characters_{model}_q4"] / seconds for model, seconds in q4.items()]
    return Check(
        "§7.4",
        "The 6.1 × of Swallow-8B is a gain of quantization",
        "stated",
        f"Swallow-8B and ELYZA-JP-8B have one shape. In Q4_K_M they write {listed(pace4, 1)} characters a second, in "
        f"F16 {listed(pace16, 1)}: something else held Swallow-8B's F16 up. A file of 16.1 GB and its cache do not fit "
        "a 16 GB card",
        WEAK,
    )


def _families(paper: Paper) -> list[Check]:
    """Return the checks of what is said of Llama-3 and Qwen2.5: that one improves, one degrades, and why."""
    rows = paper["table5"]
    names = [row["model"] for row in rows]
    change = [row["score"] - row["score_f16"] for row in rows]
    errors = [math.sqrt(2) * mean_error(paper.row("table4", model)) for model in names]
    before, after = (round(100 * rows[2][key]) for key in ("perfect_f16", "perfect"))
    fisher = stats.fisher_exact([[before, 100 - before], [after, 100 - after]]).pvalue
    shapes = [paper.row("models", model) for model in names]
    heads = " / ".join(f"{shape['heads']:.0f} and {shape['kv_heads']:.0f}" for shape in shapes)
    noise = all(abs(value) < 2 * error for value, error in zip(change[:2], errors[:2], strict=True))
    return [
        Check(
            "§1.3, §7.3, Table 6",
            "Llama-3 models improve under Q4_K_M",
            listed(change[:2], 3, sign=True),
            "one and three points of 300; standard error of such a difference, unpaired, from Table 4: "
            f"{listed(errors[:2], 3)}",
            WEAK if noise else AGREES,
        ),
        Check(
            "§7.3",
            "Qwen2.5-7B degrades under Q4_K_M",
            f"{change[2]:+.3f}".replace("-", "−"),
            f"{abs(change[2]) / errors[2]:.1f} standard errors, unpaired; perfect rate {before} → {after} of 100: "
            f"Fisher's exact test p = {fisher:.3f}",
            AGREES if abs(change[2]) > 2 * errors[2] else WEAK,
        ),
        Check(
            "§1.3, §7.3, §8.3, Table 6",
            "Llama-3 has MHA and Qwen2.5 GQA, which is why",
            "MHA / MHA / GQA",
            f"query and KV heads in their configurations: {heads}: all are GQA",
            DIFFERS,
        ),
    ]


def stage3(paper: Paper) -> list[Check]:
    """Return the checks of stage 3."""
    table = _table5(paper) + _score_counts(paper) + _sizes(paper)
    return [*table, *_conclusions(paper), _speed_of_swallow(paper), *_families(paper)]
