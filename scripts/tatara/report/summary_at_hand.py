"""The summary's sentences on the two-by-two: which of the four to ship, and whether training is worth it."""

import math

import pandas

from tatara.report.numbers import DASH, interval, interval_of, number, p_words
from tatara.report.tables.at_hand import BELOW, BEST
from tatara.report.tables.common import verdict


def _named(row: dict) -> str:
    model = "the tuned model" if row["tuned"] == "yes" else "the untuned model"
    return f"{model} {'with' if row['graph'] == 'yes' else 'without'} the graph at hand"


def _choice(rows: list[dict]) -> list[str]:
    """Return which of the four rows of a model to ship, and why."""
    best = next(row for row in rows if row["verdict"] == BEST)
    shipped = next(row for row in rows if row["ship"] == "yes")
    if math.isnan(best["score"]):
        return [f"{best['name']}: no answer has a valid score: there is nothing to choose by."]
    time = "" if math.isnan(shipped["seconds"]) else f"{number(shipped['seconds'])} s and "
    cost = f"{time}a prompt of {number(shipped['prompt_tokens'], 0)} tokens a question"
    score = f"score {interval_of(shipped, 'score', 3)} of 3, {cost}"
    below = [row for row in rows if row["verdict"] == BELOW]
    sentences = [f"{best['name']}: ship {_named(shipped)}: {score}."]
    if not below:
        sentences.append("Nothing can be told apart: no one of the four is shown to score below the best of them.")
    elif shipped is best:
        others = "each of the other three" if len(below) == 3 else f"{len(below)} of the other three"
        sentences.append(f"It has the highest score, and is shown to score above {others}.")
    else:
        sentences.append(
            f"The highest score has {_named(best)}, {interval_of(best, 'score', 3)}; the one to ship is not shown to "
            "score below it and is simpler."
        )
    if shipped["tuned"] == "no":
        sentences.append("Training is not shown to be worth it for this model.")
    if best["score"] == 0:
        sentences.append("The best of the four scores 0: ship none of them. The choice only follows the rule.")
    return sentences


def _gains(rows: list[dict], level: float) -> list[str]:
    """Return what training and the graph gave in score and recall, each without and with the other."""
    sentences = []
    for gain, given, words in (
        ("training", "graph", {"no": "Training, without the graph", "yes": "Training, with the graph at hand"}),
        ("graph", "tuned", {"no": "The graph at hand, untuned", "yes": "The graph at hand, tuned"}),
    ):
        for row in (row for row in rows if not math.isnan(row[f"{gain}_score_p_holm"])):
            shown = verdict(row[f"{gain}_score_gain"], row[f"{gain}_score_p_holm"], level, "degrades", "improves")
            change = interval_of(row, f"{gain}_score_gain", 3, sign=True)
            points = [100 * row[f"{gain}_recall_gain{end}"] for end in ("", "_low", "_high")]
            recall = interval(*points, 1, sign=True)
            more = "" if recall == DASH else f"; fact recall {recall} points, p {p_words(row[f'{gain}_recall_p_holm'])}"
            p_holm = p_words(row[f"{gain}_score_p_holm"])
            sentences.append(f"{words[row[given]]}: score: {shown} ({change}, p {p_holm}){more}.")
    return sentences


def training_or_graph(table: pandas.DataFrame, level: float) -> list[str]:
    """Return which of the four to ship of each model that was asked with the graph at hand, and what each side gave.

    Args:
        table: of `tables.at_hand`; level: at which a difference is shown.
    """
    sentences = []
    for _, part in table.groupby("model", sort=False):
        rows = part.to_dict("records")
        sentences += [*_choice(rows), *_gains(rows, level)]
    return sentences or ["No model was asked with the graph at hand (config key graph_at_hand.models)."]
