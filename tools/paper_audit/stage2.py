"""Stage 2 (§6, §8): the models' scores, and what is said of them."""

from paper_audit.checks import AGREES, SCORES, Check, Paper, all_equal, compare, equal, listed, yes
from paper_audit.scores import mean_error


def _counts(paper: Paper) -> list[Check]:
    """Return the checks of Table 4's counts against the questions and against Table 3."""
    text, scores = paper.text, paper["table4"]
    sums = [sum(row[f"score{score}"] for score in SCORES) for row in scores]
    means = [sum(score * row[f"score{score}"] for score in SCORES) / 100 for row in scores]
    table3 = {row["model"]: row for row in paper["table3"]}
    printed = [table3[row["model"]] for row in scores]
    printed_means, perfect = [row["score"] for row in printed], [100 * row["perfect"] for row in printed]
    verdicts = {
        all_equal(perfect, [row["score3"] for row in scores], 0),
        all_equal([row["score0"] for row in printed], [row["score0"] for row in scores], 0),
    }
    return [
        Check(
            "Table 4",
            "The counts of each model add up to the questions",
            f"{text['questions']:.0f}",
            listed(sums, 0),
            all_equal([text["questions"]] * len(sums), sums, 0),
        ),
        compare("Tables 3 and 4", "Average score from the counts", printed_means, means, 3),
        Check(
            "Tables 3 and 4",
            "Perfect-score rate and number of score 0 from the counts",
            " / ".join(f"{100 * row['perfect']:.0f} %, {row['score0']}" for row in printed),
            " / ".join(f"{row['score3']} %, {row['score0']}" for row in scores),
            yes(verdicts == {AGREES}),
        ),
    ]


def _figures(paper: Paper) -> list[Check]:
    """Return the checks of what figures and text say against Table 3."""
    text, table3 = paper.text, {row["model"]: row for row in paper["table3"]}
    swallow, elyza, qwen, tanuki = (table3[model] for model in ("swallow", "elyza", "qwen", "tanuki"))
    shortest = min(table3.values(), key=lambda row: row["characters"])
    return [
        Check(
            "Figure 1",
            "Score of Swallow-8B after stage 2 (F16)",
            f"{text['score_figure1']:.3f}",
            f"{swallow['score']:.3f} in Table 3; the figure has that of Q4_K_M",
            equal(text["score_figure1"], swallow["score"], 3),
        ),
        Check(
            "Figure 11",
            "Average line of Swallow-8B among the F16 models",
            f"{text['score_figure11']:.2f}",
            f"{swallow['score']:.3f} in Table 3",
            equal(text["score_figure11"], swallow["score"], 2),
        ),
        Check(
            "§6.3",
            "ELYZA-JP-8B gives the most concise answers",
            f"{elyza['characters']} characters",
            f"{shortest['name']}: {shortest['characters']}",
            yes(shortest["model"] == "elyza"),
        ),
        Check(
            "Figure 10",
            "Qwen2.5-7B has a speed advantage",
            "stated",
            f"F16: {qwen['seconds']} s; ELYZA-JP-8B {elyza['seconds']} s, Tanuki-8B (NF4) {tanuki['seconds']} s",
            yes(qwen["seconds"] == min(row["seconds"] for row in table3.values())),
        ),
        Check(
            "Figure 8",
            "Qwen2.5-7B has the highest share of score 0",
            f"{qwen['score0']} of 100",
            f"Swallow-8B has {swallow['score0']} as well",
            yes(all(qwen["score0"] > row["score0"] for row in table3.values() if row is not qwen)),
        ),
    ]


def _discussion(paper: Paper) -> list[Check]:
    """Return the checks of §8, and of what is said of the models."""
    text, table3 = paper.text, {row["model"]: row for row in paper["table3"]}
    advantage = table3["swallow"]["score"] - table3["qwen"]["score"]
    rank = text["score_r32"] - text["score_r16"]
    error = mean_error(paper.row("table4", "swallow"))
    tokenizer = paper.row("models", "tanuki")["tokenizer"]
    return [
        Check(
            "§8.2",
            "Swallow-8B above Qwen2.5-7B",
            f"+{text['advantage']:.3f}",
            f"+{advantage:.3f}",
            equal(text["advantage"], advantage, 3),
        ),
        Check(
            "§8.4",
            "Rank 32 gives marginal gains over rank 16",
            "gains (heading)",
            f"{text['score_r16']} → {text['score_r32']}, a loss of {-rank:.2f}; the standard error of one mean is "
            f"{error:.3f}",
            yes(rank > 0),
        ),
        Check(
            "§6.1, §8.2",
            "Languages of Qwen2.5",
            f"{text['languages']:.0f}",
            "“over 29” in its model card",
            equal(text["languages"], paper.row("models", "qwen")["languages"], 0),
        ),
        Check(
            "§6.1",
            "Tokenizer of Tanuki-8B",
            "a BPE variant",
            f"{tokenizer} in its tokenizer.json",
            yes(tokenizer == "BPE"),
        ),
    ]


def stage2(paper: Paper) -> list[Check]:
    """Return the checks of stage 2."""
    return _counts(paper) + _figures(paper) + _discussion(paper)
