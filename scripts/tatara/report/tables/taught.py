"""What the models know of what they were taught, and of what they were not: scores, likelihoods and fact recall."""

import pandas

from tatara.files.jsonl import read_jsonl
from tatara.measure.results import by_model_and_format, read_judge, read_questions
from tatara.measure.sizes import nll_ratio
from tatara.measure.stats import UNKNOWN, Resampling, bootstrap_mean, bootstrap_ratio, interval_columns
from tatara.measure.taught import GROUPS, fact_counts, read_required, recall
from tatara.report.tables.columns import MODEL_AND_FORMAT, count, share, with_interval, words
from tatara.report.tables.common import valid_scores
from tatara.report.text_table import Layout

ALL = "all"
LAYOUT = Layout(
    "What was taught and what was not",
    "A question is taught if all facts that it requires stand in the answers of the selected training pairs, untaught "
    "if none does; one that requires no fact is neither. Score 0 to 3; NLL in nats per answer token, of questions with "
    "a reference answer; recall: the share of the required facts, taught and untaught, that the answers hold. Brackets "
    "are {level} intervals over questions. A model that has learnt from its training holds more of the taught facts "
    "than of the others.",
    {
        **MODEL_AND_FORMAT,
        "Questions": words("group"),
        "Number": count("questions"),
        "Score": with_interval("score", 3),
        "NLL": with_interval("nll", 3),
        "Recall, taught facts": share("recall_taught"),
        "Taught facts": count("facts_taught"),
        "Recall, untaught facts": share("recall_untaught"),
        "Untaught facts": count("facts_untaught"),
    },
)


def taught_table(
    *,
    judge: list[str],
    nll: list[str],
    answers: list[str],
    testset: str,
    coverage: str,
    selected: str,
    names: dict[str, str],
    **resampling: float,
) -> pandas.DataFrame:
    """Return every model and format by what the selected subset teaches of the questions.

    Args:
        judge, nll, answers: files of all models and formats.
        testset, coverage, selected: test_set_200.jsonl, testset/coverage.csv, scale/selected.json.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    required = read_required(testset, coverage, selected)
    judged, measured, answered = (by_model_and_format(paths, names) for paths in (judge, nll, answers))
    table = []
    for model, fmt in judged:
        rows = read_judge(judged[model, fmt])
        scores = valid_scores(rows)
        likelihoods = read_questions({fmt: measured[model, fmt]})[fmt]
        counts = fact_counts(read_jsonl(answered[model, fmt]), required)
        for group in (ALL, *GROUPS):
            ids = [id_ for id_ in rows["id"] if group in (ALL, required.taught[id_].group)]
            if not ids:
                continue
            known = {id_: likelihoods[id_] for id_ in ids if id_ in likelihoods}
            own = [scores[id_] for id_ in ids if id_ in scores.index]
            held = {
                is_taught: {id_: counts[is_taught][id_] for id_ in ids if id_ in counts[is_taught]}
                for is_taught in counts
            }
            row = {"model": model, "name": names[model], "format": fmt, "group": group, "questions": len(ids)}
            row |= interval_columns("score", bootstrap_mean(own, how) if own else UNKNOWN)
            row |= interval_columns("nll", bootstrap_ratio(*nll_ratio(known), how))
            for is_taught, name in ((True, "taught"), (False, "untaught")):
                row |= interval_columns(f"recall_{name}", recall(held[is_taught], how))
                row |= {f"facts_{name}": sum(number for _, number in held[is_taught].values())}
            table.append(row)
    return pandas.DataFrame(table)
