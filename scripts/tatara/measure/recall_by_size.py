"""What models of stage 1 say: the facts in their answers to the development questions, by training size."""

from collections.abc import Sequence
from pathlib import Path

from tatara.files.jsonl import read_jsonl
from tatara.job.errors import InputError
from tatara.measure.selection import DEVELOPMENT, largest_note, runs_by_size, select, size_nll
from tatara.measure.taught import facts_held, recall_ratio

RULE = "recall"  # of stage1.rule


def held_by_run(answers: list[str], dev: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Return run -> question id -> (facts that its answer holds, facts that the question requires).

    Args:
        answers: scale/answers/{run}.jsonl.
        dev: testset/dev.jsonl.

    Raises:
        InputError: no question requires a fact.
    """
    facts = {row["id"]: row["facts"] for row in read_jsonl(dev)}
    held = {Path(path).stem: facts_held(read_jsonl(path), facts) for path in answers}
    if not all(held.values()):
        raise InputError(
            f"config key stage1.rule is {RULE}, and none of the questions of {dev} that were asked has facts to "
            "recall: give them `facts`, or take the rule min"
        )
    return held


def pooled(runs: Sequence[dict[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    """Return question id -> (facts held, facts required), those of several runs added up: their recall is the mean."""
    questions = runs[0] if runs else ()
    return {question: tuple(map(sum, zip(*(run[question] for run in runs), strict=True))) for question in questions}


def select_by_recall(rows: list[dict], nll_jsons: list[str], answers: list[str], dev: str) -> dict:
    """Return the content of selected.json: the size whose answers hold most of the required facts, taught or not.

    Args:
        rows: of scale.csv; several seeds of a size count by their mean, and the smaller of two equal sizes is taken.
        nll_jsons: the NLL files of the runs, for what likelihood would select; it does where no answer holds a fact.
        answers, dev: as `held_by_run` takes them.

    Raises:
        InputError: no question requires a fact.
    """
    held = held_by_run(answers, dev)

    def share(runs: list[str]) -> float:
        return recall_ratio(pooled([held[run] for run in runs])).whole

    sizes = runs_by_size(rows)
    shares = {n: share(runs) for n, runs in sizes.items()}
    best = max(shares, key=lambda n: (shares[n], -n))
    by_likelihood = select(rows, nll_jsons, "min")
    if not shares[best]:
        words = "No answer holds a fact that the development questions require, so likelihood decides. "
        return by_likelihood | {"rule": RULE, RULE: 0.0, "reason": words + by_likelihood["reason"]}
    others = ", ".join(f"{shares[n]:.1%} at n = {n:,}" for n in shares if n != best)
    reason = (
        f"Answers at n = {best:,} hold {shares[best]:.1%} of the facts that the development questions require, the most"
        + (f" ({others})." if others else ".")
    )
    if by_likelihood["n"] != best:
        reason += f" The smallest NLL is that of n = {by_likelihood['n']:,}."
    return {
        "n": best,
        "run": max(sizes[best], key=lambda run: share([run])),
        "rule": RULE,
        "questions": DEVELOPMENT,
        "nll": size_nll(rows, nll_jsons)[1].get(best),
        RULE: shares[best],
        "reason": reason + largest_note(best, sizes),
    }
