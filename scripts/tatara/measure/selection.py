"""Stage 1: the training size that is selected by likelihood (paper §5.3)."""

from collections.abc import Iterable

from tatara.job.errors import InputError
from tatara.measure.results import read_json, read_questions
from tatara.measure.sizes import nll_ratio
from tatara.measure.stats import Ratio, ratio_standard_error

DEVELOPMENT, REPORTED = "development", "reported"  # questions on which the size is selected


def selection_questions(nll_jsons: list[str]) -> tuple[str, dict]:
    """Return `development` or `reported`, and run -> the NLL of these questions (`read_questions`).

    The development questions are taken where every run has them, and one of them has a reference answer.
    """
    contents = {str(path): read_json(path) for path in nll_jsons}
    has_development = all(DEVELOPMENT in content for content in contents.values())
    paths = {content["name"]: path for path, content in contents.items()}
    part = DEVELOPMENT if has_development else None
    return part or REPORTED, read_questions(paths, part)


def runs_by_size(rows: list[dict]) -> dict[int, list[str]]:
    """Return n -> its runs, by size, from the rows of scale.csv."""
    by_size: dict[int, list[str]] = {}
    for row in sorted(rows, key=lambda row: row["n"]):
        by_size.setdefault(row["n"], []).append(row["run"])
    return by_size


def size_nll(rows: list[dict], nll_jsons: list[str]) -> tuple[str, dict[int, float], dict[str, Ratio]]:
    """Return on which questions a size is selected, n -> mean of its runs' NLL of these, and run -> nats and tokens.

    Without a question that has a reference answer the last two are empty.
    """
    questions, measured = selection_questions(nll_jsons)
    if not any(measured.values()):
        return questions, {}, {}
    ratios = {run: nll_ratio(values) for run, values in measured.items()}
    mean = {n: sum(ratios[run].whole for run in runs) / len(runs) for n, runs in runs_by_size(rows).items()}
    return questions, mean, ratios


def select(rows: list[dict], nll_jsons: list[str], rule: str) -> dict:
    """Return the content of selected.json; the size is selected on the development questions where there are some.

    Args:
        rows: of scale.csv; several seeds of a size count by their mean NLL.
        nll_jsons: the NLL files of the runs, for the standard error over questions.
        rule: `min`, the size of the smallest NLL (the paper's); `one_se`, the smallest size whose NLL is within one
            standard error of that minimum (Breiman et al. 1984, §3.4.3).

    Raises:
        InputError: an unknown rule.
    """
    if rule not in ("min", "one_se"):
        raise InputError(f"config key stage1.rule: unknown rule {rule!r}; expected min, one_se or recall")
    questions, mean, ratios = size_nll(rows, nll_jsons)
    if not mean:
        return _without_likelihoods(rows, rule, questions)
    by_size = runs_by_size(rows)
    best = min(mean, key=lambda n: (mean[n], n))
    error = ratio_standard_error(*ratios[min(by_size[best], key=lambda run: ratios[run].whole)])
    frugal = next(n for n in mean if mean[n] <= mean[best] + error)
    n = best if rule == "min" else frugal
    run = min(by_size[n], key=lambda run: ratios[run].whole)
    reason = _reason(rule, best, frugal, mean[best], error, questions) + largest_note(n, mean)
    return {"n": n, "run": run, "rule": rule, "questions": questions, "nll": mean[n], "reason": reason}


def largest_note(n: int, sizes: Iterable[int]) -> str:
    """Return what is to be said of a selected size that is the largest one trained."""
    if n != max(sizes) or len(list(sizes)) == 1:
        return ""
    return " It is the largest size trained: a larger one may do better still."


def _without_likelihoods(rows: list[dict], rule: str, questions: str) -> dict:
    """Return the largest size: of questions without reference answers there is nothing to select by."""
    last = max(rows, key=lambda row: (row["n"], -row["seed"]))
    reason = (
        f"None of the {questions} questions has a reference answer, so that no likelihood could be measured to select "
        f"by: the largest size is taken, n = {last['n']:,}."
    )
    return {"n": last["n"], "run": last["run"], "rule": rule, "questions": questions, "nll": None, "reason": reason}


def _reason(rule: str, best: int, frugal: int, nll: float, error: float, questions: str) -> str:
    """Return why a size was selected: of the smallest NLL, or the smallest within one standard error of it."""
    smallest = f"n = {best:,} has the smallest NLL of the {questions} questions, {nll:.4f} nats a token"
    if best == frugal:
        return f"{smallest}, and no smaller size is within one standard error ({error:.4f}) of it."
    within = f"n = {frugal:,} is the smallest size within one standard error ({error:.4f}) of it"
    if rule == "min":
        return f"{smallest}; {within}. Rule min takes the first."
    more = "the smaller size where more data shows no clear gain"
    return f"{smallest}; {within}. Rule one_se takes the second, {more}."
