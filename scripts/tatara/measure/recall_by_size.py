"""What models of stage 1 say: the facts in their answers to the development questions, by training size."""

from pathlib import Path

from tatara.files.jsonl import read_jsonl
from tatara.job.errors import InputError
from tatara.measure.selection import DEVELOPMENT, largest_note, runs_by_size, select, size_nll
from tatara.measure.stats import Ratio, Resampling, bootstrap_ratio, interval_columns
from tatara.measure.taught import facts_held

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
    if not any(facts.values()):
        raise InputError(
            f"config key stage1.rule is {RULE}, and none of the {len(facts)} questions of {dev} has facts to recall: "
            "give them `facts`, or take the rule min"
        )
    return {Path(path).stem: facts_held(read_jsonl(path), facts) for path in answers}


def recall_ratio_of(runs: list[dict[str, tuple[int, int]]]) -> Ratio:
    """Return facts held and facts required of each question, those of several runs added up."""
    pairs = [[run[question] for run in runs] for question in runs[0]]
    return Ratio([sum(held for held, _ in pair) for pair in pairs], [sum(facts for _, facts in pair) for pair in pairs])


def recall_of(runs: list[dict[str, tuple[int, int]]], resampling: Resampling) -> dict:
    """Return `recall` with its interval over questions; of several runs it is the mean."""
    return interval_columns(RULE, bootstrap_ratio(*recall_ratio_of(runs), resampling))


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
        ratio = recall_ratio_of([held[run] for run in runs])
        return sum(ratio.numerators) / sum(ratio.denominators)

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
