"""Write docs/paper-audit.md: the paper's numbers recomputed from its other numbers (resources/paper).

Usage: python tools/paper_audit.py [--help]
"""

import argparse
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import tatara_path  # noqa: F401
from scipy import stats
from tatara.files.text import write_text
from tatara.report.paper import read_paper
from tatara.report.table_text import number

AGREES, DIFFERS, WEAK = "agrees", "does not agree", "not supported"
SCORES = (3, 2, 1, 0)


@dataclass(frozen=True)
class Check:
    """One statement: where it stands, what is printed, how it was worked out again, what came out, and the verdict."""

    place: str
    statement: str
    printed: str
    recomputed: str
    verdict: str


class Paper:
    """The tables of resources/paper by name, and the numbers that stand in its text by id."""

    def __init__(self, folder: Path):
        self.tables = {path.stem: read_paper(path) for path in sorted(folder.glob("*.csv"))}
        self.text = dict(zip(self.tables["text"]["id"], self.tables["text"]["value"], strict=True))

    def __getitem__(self, name: str) -> list[dict]:
        return self.tables[name].to_dict("records")

    def row(self, table: str, model: str) -> dict:
        return next(row for row in self[table] if row["model"] == model)


def _equal(printed: float, recomputed: float, decimals: int, slack: float = 0.0) -> str:
    """Return whether a number rounds to the printed one; `slack` is what rounding of its own inputs may add."""
    return AGREES if abs(printed - recomputed) <= 0.5 * 10**-decimals + slack + 1e-9 else DIFFERS


def _all(verdicts: list[str]) -> str:
    return AGREES if set(verdicts) == {AGREES} else DIFFERS


def _listed(values: list[float], decimals: int, sign: bool = False) -> str:
    return " / ".join(number(value, decimals, sign) for value in values)


def _data(paper: Paper) -> list[Check]:
    text, types = paper.text, paper["relations"]
    total = sum(row["pairs"] for row in types)
    chapter = next(row for row in types if row["relation_type"] == "HAS_CHAPTER")
    kept = text["retain"] * chapter["pairs"]
    left = text["pool"] - (chapter["pairs"] - text["kept"])
    shares = [100 * row["pairs"] / total for row in types]
    return [
        Check(
            "§4.2",
            "The pairs of the 11 relation types add up to all pairs",
            f"{text['pairs']:,.0f}",
            f"{total:,}",
            _equal(text["pairs"], total, 0),
        ),
        Check(
            "§4.2",
            "Share of each of the 11 relation types",
            _listed([row["percent"] for row in types], 1) + " %",
            _listed(shares, 1) + " %",
            _all([_equal(row["percent"], share, 1) for row, share in zip(types, shares, strict=True)]),
        ),
        Check(
            "§4.2", "70 % of the HAS_CHAPTER pairs", f"{text['kept']:.0f}", f"{kept:.1f}", _equal(text["kept"], kept, 0)
        ),
        Check(
            "§4.2, Figure 2, §8.5",
            "Share of HAS_CHAPTER after undersampling",
            f"{text['share_after']} %",
            f"{text['kept']:.0f} of {left:,.0f} is {100 * text['kept'] / left:.1f} %; {text['share_after']} % comes "
            "from dividing by the "
            f"{text['pool']:,.0f} of before",
            _equal(text["share_after"], 100 * text["kept"] / left, 1),
        ),
        Check(
            "§4.3",
            "Pairs in the pool after undersampling",
            f"{text['pool']:,.0f}",
            f"{text['pool']:,.0f} − {chapter['pairs'] - text['kept']:.0f} = {left:,.0f}",
            _equal(text["pool"], left, 0),
        ),
    ]


def _stage1(paper: Paper) -> list[Check]:
    text, loss, nll = paper.text, paper["table1"], paper["table2"]
    pace = [row["seconds"] / 60 / (row["n"] / 1000) for row in loss]
    ppl = [math.exp(row["nll"]) for row in nll]
    change = [after["nll"] - before["nll"] for before, after in itertools.pairwise(nll)]
    best = min(nll, key=lambda row: row["nll"])
    rise = 100 * (nll[-1]["nll"] / best["nll"] - 1)
    return [
        Check(
            "§5.1",
            "Effective batch",
            f"{text['batch']:.0f}",
            f"{text['micro_batch']:.0f} × {text['accumulation']:.0f}",
            _equal(text["batch"], text["micro_batch"] * text["accumulation"], 0),
        ),
        Check(
            "§5.2, Table 1",
            "Minutes for each 1,000 samples, “approximately”",
            f"{text['minutes_per_1000']:.0f}",
            _listed(pace, 1),
            _all([_equal(text["minutes_per_1000"], value, 0) for value in pace]),
        ),
        Check(
            "§5.2, Table 1",
            "Final loss at n = 1,000 and 5,000",
            _listed([text["final_1000"], text["final_5000"]], 3),
            _listed([loss[0]["final_loss"], loss[-1]["final_loss"]], 4),
            _all(
                [
                    _equal(text["final_1000"], loss[0]["final_loss"], 3),
                    _equal(text["final_5000"], loss[-1]["final_loss"], 3),
                ]
            ),
        ),
        Check(
            "Table 2",
            "PPL = exp(NLL)",
            _listed([row["ppl"] for row in nll], 2),
            _listed(ppl, 2),
            _all([_equal(row["ppl"], value, 2) for row, value in zip(nll, ppl, strict=True)]),
        ),
        Check(
            "Table 2",
            "Δ NLL against the size before",
            _listed([row["delta_nll"] for row in nll[1:]], 3, sign=True),
            _listed(change, 4, sign=True),
            _all([_equal(row["delta_nll"], value, 3) for row, value in zip(nll[1:], change, strict=True)]),
        ),
        Check(
            "Table 2",
            "The smallest NLL is at the size called optimal",
            f"n = {next(row['n'] for row in nll if row['status'] == 'Optimal'):,}",
            f"n = {best['n']:,}",
            AGREES if best["status"] == "Optimal" else DIFFERS,
        ),
        Check(
            "§1.2, §5.3",
            "Rise of the NLL from n = 4,000 to 5,000",
            f"+{text['increase']:.0f} %",
            f"+{rise:.1f} %",
            _equal(text["increase"], rise, 0),
        ),
        Check(
            "§5.3",
            "The rise is overfitting",
            "stated",
            "one seed a size: it cannot be told from the spread between seeds",
            WEAK,
        ),
    ]


def _score_deviation(counts: dict) -> float:
    """Return the standard deviation of the scores of a row of Table 4."""
    total = sum(counts[f"score{score}"] for score in SCORES)
    mean = sum(score * counts[f"score{score}"] for score in SCORES) / total
    return math.sqrt(sum(counts[f"score{score}"] * (score - mean) ** 2 for score in SCORES) / (total - 1))


def _stage2(paper: Paper) -> list[Check]:
    text, scores = paper.text, paper["table4"]
    means = {row["model"]: sum(score * row[f"score{score}"] for score in SCORES) / 100 for row in scores}
    table3 = {row["model"]: row for row in paper["table3"]}
    order = list(means)
    swallow, qwen = table3["swallow"], table3["qwen"]
    shortest = min(table3.values(), key=lambda row: row["characters"])
    rank = text["score_r32"] - text["score_r16"]
    error = _score_deviation(paper.row("table4", "swallow")) / 10
    return [
        Check(
            "Table 4",
            "The counts of each model add up to the questions",
            f"{text['questions']:.0f}",
            _listed([sum(row[f"score{score}"] for score in SCORES) for row in scores], 0),
            _all([_equal(text["questions"], sum(row[f"score{score}"] for score in SCORES), 0) for row in scores]),
        ),
        Check(
            "Tables 3 and 4",
            "Average score from the counts",
            _listed([table3[model]["score"] for model in order], 3),
            _listed(list(means.values()), 3),
            _all([_equal(table3[model]["score"], means[model], 3) for model in order]),
        ),
        Check(
            "Tables 3 and 4",
            "Perfect-score rate and number of score 0 from the counts",
            " / ".join(f"{100 * table3[model]['perfect']:.0f} %, {table3[model]['score0']}" for model in order),
            " / ".join(f"{row['score3']} %, {row['score0']}" for row in scores),
            _all(
                [_equal(100 * table3[row["model"]]["perfect"], row["score3"], 0) for row in scores]
                + [_equal(table3[row["model"]]["score0"], row["score0"], 0) for row in scores]
            ),
        ),
        Check(
            "Figure 1",
            "Score of Swallow-8B after stage 2 (F16)",
            f"{text['score_figure1']:.3f}",
            f"{swallow['score']:.3f} in Table 3; the figure has that of Q4_K_M",
            _equal(text["score_figure1"], swallow["score"], 3),
        ),
        Check(
            "Figure 11",
            "Average line of Swallow-8B among the F16 models",
            f"{text['score_figure11']:.2f}",
            f"{swallow['score']:.3f} in Table 3",
            _equal(text["score_figure11"], swallow["score"], 2),
        ),
        Check(
            "§6.3",
            "ELYZA-JP-8B gives the most concise answers",
            f"{table3['elyza']['characters']} characters",
            f"{shortest['name']}: {shortest['characters']}",
            AGREES if shortest["model"] == "elyza" else DIFFERS,
        ),
        Check(
            "Figure 10",
            "Qwen2.5-7B has a speed advantage",
            "stated",
            f"F16: {qwen['seconds']} s; ELYZA-JP-8B {table3['elyza']['seconds']} s, Tanuki-8B (NF4) "
            f"{table3['tanuki']['seconds']} s",
            AGREES if qwen["seconds"] == min(row["seconds"] for row in table3.values()) else DIFFERS,
        ),
        Check(
            "Figure 8",
            "Qwen2.5-7B has the highest share of score 0",
            f"{qwen['score0']} of 100",
            f"Swallow-8B has {swallow['score0']} as well",
            AGREES if all(qwen["score0"] > row["score0"] for row in table3.values() if row is not qwen) else DIFFERS,
        ),
        Check(
            "§8.2",
            "Swallow-8B above Qwen2.5-7B",
            f"+{text['advantage']:.3f}",
            f"+{swallow['score'] - qwen['score']:.3f}",
            _equal(text["advantage"], swallow["score"] - qwen["score"], 3),
        ),
        Check(
            "§8.4",
            "Rank 32 gives marginal gains over rank 16",
            "gains (heading)",
            f"{text['score_r16']} → {text['score_r32']}, a loss of {-rank:.2f}; the standard error of one mean is "
            f"{error:.3f}",
            AGREES if rank > 0 else DIFFERS,
        ),
        Check(
            "§6.1, §8.2",
            "Languages of Qwen2.5",
            f"{text['languages']:.0f}",
            "“over 29” in its model card",
            _equal(text["languages"], paper.row("models", "qwen")["languages"], 0),
        ),
        Check(
            "§6.1",
            "Tokenizer of Tanuki-8B",
            "a BPE variant",
            f"{paper.row('models', 'tanuki')['tokenizer']} in its tokenizer.json",
            AGREES if paper.row("models", "tanuki")["tokenizer"] == "BPE" else DIFFERS,
        ),
    ]


def parameters(shape: dict) -> int:
    """Return the weights of a Llama- or Qwen2-shaped model from its configuration, embeddings and output layer apart."""
    d, kv, f = shape["hidden_size"], shape["kv_heads"] * shape["head_size"], shape["intermediate_size"]
    attention = 2 * d * shape["heads"] * shape["head_size"] + 2 * d * kv
    biases = (shape["heads"] * shape["head_size"] + 2 * kv) * int(shape["qkv_bias"])
    return int(shape["layers"] * (attention + biases + 3 * d * f + 2 * d) + 2 * shape["vocabulary"] * d + d)


def _counts_exist(mean: float, perfect: float, zeros: float | None) -> str | None:
    """Return counts of the scores 3, 2, 1, 0 of 100 answers that give this mean and perfect rate, None where there are
    none.
    """
    points, threes = round(100 * mean), round(100 * perfect)
    for none in range(0, 101 - threes) if zeros is None else [int(zeros)]:
        twos = points - 3 * threes - (100 - threes - none)
        ones = 100 - threes - none - twos
        if twos >= 0 and ones >= 0:
            return f"{threes}, {twos}, {ones}, {none}"
    return None


def _stage3(paper: Paper) -> list[Check]:
    text, table5 = paper.text, {row["model"]: row for row in paper["table5"]}
    rows, names = list(table5.values()), list(table5)
    change = [row["score"] - row["score_f16"] for row in rows]
    speed = [row["seconds_f16"] / row["seconds"] for row in rows]
    smaller = [100 * (1 - row["bytes"] / row["bytes_f16"]) for row in rows]
    gains = [text[f"perfect_gain_{model}"] for model in names]
    f16 = {model: parameters(paper.row("models", model)) * 2 / 1e9 for model in names}
    errors = {model: math.sqrt(2) * _score_deviation(paper.row("table4", model)) / 10 for model in names}
    zeros = {"swallow": text["score0_swallow_q4"], "elyza": None, "qwen": text["score0_qwen_q4"]}
    counts = {model: _counts_exist(table5[model]["score"], table5[model]["perfect"], zeros[model]) for model in names}
    table3 = {row["model"]: row for row in paper["table3"]}
    pace16 = {model: table3[model]["characters"] / table3[model]["seconds"] for model in ("swallow", "elyza")}
    pace4 = {model: text[f"characters_{model}_q4"] / table5[model]["seconds"] for model in ("swallow", "elyza")}
    qwen = table5["qwen"]
    table = [
        [round(100 * qwen["perfect_f16"]), 100 - round(100 * qwen["perfect_f16"])],
        [round(100 * qwen["perfect"]), 100 - round(100 * qwen["perfect"])],
    ]
    checks = [
        Check(
            "Table 5",
            "Δ score",
            _listed([row["difference"] for row in rows], 3, sign=True),
            _listed(change, 3, sign=True),
            _all([_equal(row["difference"], value, 3) for row, value in zip(rows, change, strict=True)]),
        ),
        Check(
            "§7.3",
            "Change of the perfect-score rate, percentage points",
            _listed(gains, 0, sign=True),
            _listed([100 * (row["perfect"] - row["perfect_f16"]) for row in rows], 0, sign=True),
            _all(
                [
                    _equal(gain, 100 * (row["perfect"] - row["perfect_f16"]), 0)
                    for gain, row in zip(gains, rows, strict=True)
                ]
            ),
        ),
        Check(
            "Table 5",
            "Speed-up",
            _listed([row["speedup"] for row in rows], 1) + " ×",
            _listed(speed, 2) + " ×",
            _all([_equal(row["speedup"], value, 1) for row, value in zip(rows, speed, strict=True)]),
        ),
        Check(
            "§7.4",
            "Files smaller by about",
            f"{text['reduction']:.0f} %",
            _listed(smaller, 1) + " %",
            _all([_equal(text["reduction"], value, 0, slack=0.5) for value in smaller]),
        ),
    ]
    for model in names:
        name, got = table5[model]["name"], counts[model]
        stated = f"{table5[model]['score']:.3f}, {100 * table5[model]['perfect']:.0f} %"
        stated += "" if zeros[model] is None else f", {zeros[model]:.0f} of score 0"
        checks.append(
            Check(
                "Table 5, §7.3, §9.3",
                f"{name} in Q4_K_M: some counts of scores give what is printed",
                stated,
                f"for example 3, 2, 1, 0 given {got} times" if got else "no counts do",
                AGREES if got else DIFFERS,
            )
        )
    checks += [
        Check(
            "Table 5",
            f"Size of {table5[model]['name']} in F16, GB",
            f"{table5[model]['bytes_f16'] / 1e9:.1f}",
            f"{f16[model]:.2f} (its configuration: {f16[model] / 2:.2f} × 10⁹ weights of two bytes)",
            _equal(table5[model]["bytes_f16"] / 1e9, f16[model], 1, slack=0.05),
        )
        for model in names
    ]
    checks += [
        Check(
            "§1.2",
            "Models compared in F16 and Q4_K_M",
            f"{text['quantized_models']:.0f}",
            f"Table 5 has {len(rows)}",
            _equal(text["quantized_models"], len(rows), 0),
        ),
        Check(
            "§7.4",
            "Every model in Q4_K_M answers within 10 s",
            "stated",
            _listed([row["seconds"] for row in rows], 1) + " s",
            AGREES if max(row["seconds"] for row in rows) < text["latency_limit"] else DIFFERS,
        ),
        Check(
            "§9.3",
            "Score of ELYZA-JP-8B in parts of Swallow-8B's, Q4_K_M",
            f"{text['quality_share']:.0f} %",
            f"{100 * table5['elyza']['score'] / table5['swallow']['score']:.1f} %",
            _equal(text["quality_share"], 100 * table5["elyza"]["score"] / table5["swallow"]["score"], 0),
        ),
        Check(
            "§9.3",
            "Score 0 of Qwen2.5-7B, Q4_K_M against F16",
            f"{text['score0_times']:.0f} ×",
            f"{text['score0_qwen_q4']:.0f} against {table3['qwen']['score0']}",
            _equal(text["score0_times"], text["score0_qwen_q4"] / table3["qwen"]["score0"], 0),
        ),
        Check(
            "§7.4",
            "The 6.1 × of Swallow-8B is a gain of quantization",
            "stated",
            f"Swallow-8B and ELYZA-JP-8B have one shape. In Q4_K_M they write {_listed(list(pace4.values()), 1)} "
            "characters a second, in F16 "
            f"{_listed(list(pace16.values()), 1)}: something else held Swallow-8B's F16 up. A file of 16.1 GB and "
            "its cache do not fit a 16 GB card",
            WEAK,
        ),
        Check(
            "§1.3, §7.3, Table 6",
            "Llama-3 models improve under Q4_K_M",
            _listed(change[:2], 3, sign=True),
            "one and three points of 300; standard error of such a difference, unpaired, from Table 4: "
            f"{_listed([errors[m] for m in names[:2]], 3)}",
            WEAK
            if all(abs(value) < 2 * errors[model] for value, model in zip(change[:2], names, strict=False))
            else AGREES,
        ),
        Check(
            "§7.3",
            "Qwen2.5-7B degrades under Q4_K_M",
            f"{change[2]:+.3f}".replace("-", "−"),
            f"{abs(change[2]) / errors['qwen']:.1f} standard errors, unpaired; perfect rate {table[0][0]} → "
            f"{table[1][0]} of 100: Fisher's exact "
            f"test p = {stats.fisher_exact(table).pvalue:.3f}",
            AGREES if abs(change[2]) > 2 * errors["qwen"] else WEAK,
        ),
        Check(
            "§1.3, §7.3, §8.3, Table 6",
            "Llama-3 has MHA and Qwen2.5 GQA, which is why",
            "MHA / MHA / GQA",
            "query and KV heads in their configurations: "
            + " / ".join(
                f"{paper.row('models', m)['heads']:.0f} and {paper.row('models', m)['kv_heads']:.0f}" for m in names
            )
            + ": all are GQA",
            DIFFERS,
        ),
    ]
    return checks


def audit(folder: Path) -> dict[str, list[Check]]:
    """Return part of the paper -> its checks.

    Args:
        folder: resources/paper.
    """
    paper = Paper(folder)
    return {
        "Data (§4)": _data(paper),
        "Stage 1 (§5)": _stage1(paper),
        "Stage 2 (§6, §8)": _stage2(paper),
        "Stage 3 (§7 to §9)": _stage3(paper),
    }


def page(checks: dict[str, list[Check]]) -> str:
    """Return the audit as a Markdown document."""
    everything = [check for part in checks.values() for check in part]
    found = {verdict: sum(check.verdict == verdict for check in everything) for verdict in (AGREES, DIFFERS, WEAK)}
    parts = [
        "# The paper, recomputed",
        "Every number of *Adapting Methods for Domain-Specific Japanese Small LMs* (arXiv 2603.18037) that follows "
        "from its other numbers, "
        "worked out again from `resources/paper/*.csv` by `scripts/tatara/paper_audit.py`. `python "
        "tools/paper_audit.py` writes this page, and "
        "`tests/test_paper_audit.py` fails when it is out of date. Facts that the paper does not hold (shapes of the "
        "models, their languages) come "
        "from the published configurations and model cards, as `resources/paper/models.csv` says.",
        f"Of {len(everything)} statements {found[AGREES]} agree, {found[DIFFERS]} do not, and {found[WEAK]} have no "
        "support.",
    ]
    for title, part in checks.items():
        lines = ["| place | statement | printed | recomputed | verdict |", "| --- | --- | --- | --- | --- |"]
        for check in part:
            verdict = check.verdict if check.verdict == AGREES else f"**{check.verdict}**"
            lines.append(f"| {check.place} | {check.statement} | {check.printed} | {check.recomputed} | {verdict} |")
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    output = ROOT / "docs" / "paper-audit.md"
    write_text(output, page(audit(ROOT / "resources" / "paper")))
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
