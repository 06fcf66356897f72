"""The two-by-two: the model untuned or tuned, without the graph or with it at hand, and which of the four to ship."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy
import pandas

from tatara.data.questions import has_fact
from tatara.files.formats import BASE, WITH_GRAPH
from tatara.files.jsonl import read_jsonl
from tatara.measure.results import by_model_and_format, read_json, read_judge
from tatara.measure.stats import (
    UNKNOWN,
    Resampling,
    bootstrap_mean,
    holm,
    interval_columns,
    paired_difference,
    permutation_test,
    proportion,
)
from tatara.measure.taught import facts_held, recall, recall_ratio
from tatara.report.numbers import percent, percent_interval, size
from tatara.report.tables.columns import MODEL, SECONDS, count, decimals, p_values, share, with_interval, words
from tatara.report.tables.common import NO_DIFFERENCE, compare_scores, valid_scores, verdict
from tatara.report.text_table import Column, Layout

BEST, BELOW = "best", "below the best"
GAINS = ("training", "graph")
MEASURES = ("score", "recall")
MEASURED = ("score", "perfect", "recall", "seconds")
COLUMNS = (
    *("model", "name", "format", "tuned", "graph", "questions"),
    *(f"{name}{end}" for name in MEASURED for end in ("", "_low", "_high")),
    *("prompt_tokens", "retrieved", "bytes"),
    *("difference", "difference_low", "difference_high", "p_value", "p_holm", "verdict", "ship"),
    *(
        f"{gain}_{measure}{end}"
        for gain in GAINS
        for measure in MEASURES
        for end in ("_gain", "_gain_low", "_gain_high", "_p_value", "_p_holm")
    ),
)
LAYOUT = Layout(
    "Training or the graph at hand",
    "The untuned model and the tuned one in its format of the most bits, each asked without the graph and with the "
    "nearest facts and relations in the prompt (BM25). Recall: the share of the required facts that the answers hold; "
    "found: the share that the lines of the prompts hold, the most that can be copied from them. Gains are paired "
    "differences over the same questions: of training, tuned less untuned with the same prompts; of the graph, with it "
    "less without it in the same model. Brackets are {level} bootstrap intervals over questions, p-values of paired "
    "permutation tests after Holm's correction, of gains over the table, of the rest within the model. To ship: of the "
    "four that are not shown to score below the best, the first in the order of the rows, untuned before tuned and "
    "without the graph before with it: what is "
    "not shown to help is not shipped. Memory is the same for the two rows of a model: the file, and a cache of "
    "evaluate.context tokens; what the graph costs is time, for the tokens of its prompts.",
    {
        **MODEL,
        "Tuned": words("tuned"),
        "Graph": words("graph"),
        "Score": with_interval("score", 3),
        "Perfect": Column(lambda row: percent_interval(row["perfect"], row["perfect_low"], row["perfect_high"])),
        "Recall": share("recall"),
        "Found": Column(lambda row: percent(row["retrieved"], 1)),
        "s/question": SECONDS,
        "Prompt tokens": decimals("prompt_tokens", 0),
        "File": Column(lambda row: size(row["bytes"])),
        "Against the best": with_interval("difference", 3, sign=True),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
        "Ship": words("ship"),
        "Training: Δ score": with_interval("training_score_gain", 3, sign=True),
        "p, training": p_values("training_score_p_holm"),
        "Graph: Δ score": with_interval("graph_score_gain", 3, sign=True),
        "p, graph": p_values("graph_score_p_holm"),
        "Training: Δ recall": share("training_recall_gain", sign=True),
        "p, training, recall": p_values("training_recall_p_holm"),
        "Graph: Δ recall": share("graph_recall_gain", sign=True),
        "p, graph, recall": p_values("graph_recall_p_holm"),
        "Questions": count("questions"),
    },
    "No model was asked with the graph at hand (config key graph_at_hand.models).",
)


class Cell(NamedTuple):
    """One of the four: what was measured of it by question.

    Attributes:
        scores: valid scores by question id.
        facts: question id -> (facts that the answer holds, facts).
    """

    scores: pandas.Series
    facts: dict[str, tuple[int, int]]


def _found(prompts: Iterable[dict], facts: dict[str, list[list[str]]]) -> float:
    """Return the share of the required facts that stand in the lines of the prompts."""
    hits = [any(has_fact(line, wordings) for line in row["lines"]) for row in prompts for wordings in facts[row["id"]]]
    return float(numpy.mean(hits)) if hits else numpy.nan


def _measured(rows: pandas.DataFrame, cell: Cell, times: Path, resampling: Resampling) -> dict:
    """Return what was measured of one of the four, with intervals; `rows` is its judge file."""
    perfect = (
        proportion(int((cell.scores == 3).sum()), len(cell.scores), resampling.level) if len(cell.scores) else UNKNOWN
    )
    seconds = rows["seconds"].dropna().to_list()
    return (
        {"questions": len(rows)}
        | interval_columns("score", bootstrap_mean(cell.scores.to_list(), resampling) if len(cell.scores) else UNKNOWN)
        | interval_columns("perfect", perfect)
        | interval_columns("recall", recall(cell.facts, resampling))
        | interval_columns("seconds", bootstrap_mean(seconds, resampling) if seconds else UNKNOWN)
        | {"prompt_tokens": pandas.read_csv(times)["prompt_tokens"].mean()}
    )


def _gains(gain: str, cell: Cell, other: Cell, resampling: Resampling) -> dict:
    """Return how score and recall differ from those of another of the four."""
    score = compare_scores(cell.scores, other.scores, resampling)
    row = {f"{gain}_score_gain{end}": score[f"difference{end}"] for end in ("", "_low", "_high")}
    row[f"{gain}_score_p_value"] = score["p_value"]
    if cell.facts:
        ratios = recall_ratio(cell.facts), recall_ratio({id_: other.facts[id_] for id_ in cell.facts})
        row |= interval_columns(f"{gain}_recall_gain", paired_difference(*ratios, resampling))
        row[f"{gain}_recall_p_value"] = permutation_test(*ratios, resampling)
    return row


def _judge(rows: list[dict], cells: list[Cell], how: Resampling) -> None:
    """Add to the four rows of a model how each compares with the best of them, and which to ship."""
    best = max(range(len(rows)), key=lambda place: numpy.nan_to_num(rows[place]["score"], nan=-1.0))
    others = [place for place in range(len(rows)) if place != best]
    for place in others:
        compared = compare_scores(cells[place].scores, cells[best].scores, how)
        rows[place] |= {key: compared[key] for key in ("difference", "difference_low", "difference_high", "p_value")}
    adjusted = holm([rows[place]["p_value"] for place in others])
    rows[best]["verdict"] = BEST
    for place, p_holm in zip(others, adjusted, strict=True):
        word = verdict(rows[place]["difference"], p_holm, how.level, BELOW, "above the best")
        rows[place] |= {"p_holm": p_holm, "verdict": word}
    shipped = next(row for row in rows if row["verdict"] in (BEST, NO_DIFFERENCE))
    for row in rows:
        row["ship"] = "yes" if row is shipped else "no"


def _correct(frame: pandas.DataFrame) -> None:
    """Add Holm's correction to the p-values of the gains, over all gains of a measure."""
    for measure in MEASURES:
        columns = [f"{gain}_{measure}_p_value" for gain in GAINS]
        values = frame[columns].to_numpy(dtype=float)
        adjusted = numpy.full(values.shape, numpy.nan)
        if (tested := ~numpy.isnan(values)).any():
            adjusted[tested] = holm(values[tested].tolist())
        frame[[name.replace("_value", "_holm") for name in columns]] = adjusted


def at_hand_table(
    *,
    judge: list[str],
    times: list[str],
    answers: list[str],
    nll: list[str],
    prompts: list[str],
    testset: str,
    names: dict[str, str],
    **resampling: float,
) -> pandas.DataFrame:
    """Return the two-by-two of each model that was asked with the graph at hand: four rows, and no row without one.

    Args:
        judge, times, answers: files of {model}_base and {model}_{fmt}, and of both with `_graph` behind.
        nll: files of {model}_base and {model}_{fmt}, for the bytes of the GGUF files.
        prompts: testset/at_hand.jsonl, or none.
        testset: test_set_200.jsonl.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    judged, timed, answered = (by_model_and_format(paths, names) for paths in (judge, times, answers))
    sizes = {content["name"]: content.get("file_bytes", numpy.nan) for content in map(read_json, nll)}
    facts = {row["id"]: row["facts"] for row in read_jsonl(testset)}
    found = _found(read_jsonl(prompts[0]), facts) if prompts else numpy.nan
    table: list[dict] = []
    for model in dict.fromkeys(model for model, _ in judged):
        rows, cells = [], {}
        for key in (key for key in judged if key[0] == model):
            fmt = key[1].removesuffix(WITH_GRAPH)
            scores = read_judge(judged[key])
            place = (fmt != BASE, key[1] != fmt)
            cells[place] = cell = Cell(valid_scores(scores), facts_held(read_jsonl(answered[key]), facts))
            row = dict.fromkeys(COLUMNS, numpy.nan) | {"model": model, "name": names[model], "format": key[1]}
            row |= {name: "yes" if yes else "no" for name, yes in zip(("tuned", "graph"), place, strict=True)}
            row |= _measured(scores, cell, timed[key], how)
            row |= {"retrieved": found if place[1] else numpy.nan, "bytes": sizes.get(f"{model}_{fmt}", numpy.nan)}
            rows.append(row)
        for row, (tuned, graph) in zip(rows, cells, strict=True):
            others = {"training": (False, graph) if tuned else None, "graph": (tuned, False) if graph else None}
            for gain, other in others.items():
                row |= _gains(gain, cells[tuned, graph], cells[other], how) if other else {}
        _judge(rows, list(cells.values()), how)
        table += rows
    frame = pandas.DataFrame(table, columns=list(COLUMNS))
    _correct(frame)
    return frame
