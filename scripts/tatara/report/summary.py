"""The report's summary: which size, model and quantization, and how sure that is, in sentences made of the tables."""

import itertools
import math

import pandas

from tatara.files.formats import label_of
from tatara.measure.sizes import UNTUNED
from tatara.report.numbers import interval, interval_of, number, p_words, percent, size
from tatara.report.summary_at_hand import training_or_graph
from tatara.report.tables.common import NO_DIFFERENCE, tuned, verdict


def _label(row: dict) -> str:
    return f"{row['name']} ({label_of(row['format'])})"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _score(row: dict) -> str:
    return f"{interval_of(row, 'score', 3)} of 3, {percent(row['perfect'])} perfect answers"


def training_size(selected: dict, table2: pandas.DataFrame) -> list[str]:
    """Return why this size was selected, what the step before and after it showed, and what training gave at it."""
    rows = table2.to_dict("records")
    sizes = [row for row in rows if row["n"]]
    sentences = [f"Train on n = {selected['n']:,} pairs (rule {selected['rule']}).", selected["reason"]]
    for before, row in itertools.pairwise(sizes):
        if selected["n"] in (before["n"], row["n"]) and not math.isnan(row["delta_nll"]):
            change = interval(row["delta_nll"], row["delta_low"], row["delta_high"], 4, sign=True)
            sentences.append(
                f"From n = {before['n']:,} to {row['n']:,} the test NLL is {row['status']}: {change} nats per token, "
                f"p {p_words(row['p_value'])}."
            )
    chosen = next((row for row in rows if row["n"] == selected["n"] and "untuned_delta_nll" in row), None)
    if chosen and not math.isnan(chosen["untuned_delta_nll"]):
        change = interval(*(chosen[f"untuned_{key}"] for key in ("delta_nll", "delta_low", "delta_high")), 4, sign=True)
        sentences.append(
            f"Against the untuned model the test NLL at n = {selected['n']:,} is {chosen['untuned_status']}: {change} "
            f"nats per token, p {p_words(chosen['untuned_p_value'])}."
        )
    return sentences


def best_model(table3: pandas.DataFrame) -> list[str]:
    """Return which model scored highest, which cannot be told from it, and which needs the fewest bits per byte."""
    rows = tuned(table3).to_dict("records")
    best = next(row for row in rows if row["verdict"] == "best")
    others = [row for row in rows if row["verdict"] != "best"]
    below = [row for row in others if row["verdict"] != NO_DIFFERENCE]
    same = [row for row in others if row["verdict"] == NO_DIFFERENCE]
    if math.isnan(best["score"]):
        return ["No answer has a valid score: the models cannot be compared by score."]
    if others and not below:
        sentences = [
            f"No model is shown to be better than another. {_label(best)} has the highest average score: "
            f"{_score(best)}."
        ]
    else:
        sentences = [f"{_label(best)} scores highest: {_score(best)}."]
    for row in below:
        change = interval_of(row, "difference", 3, sign=True)
        sentences.append(f"{_label(row)} is {row['verdict']}: {change}, p {p_words(row['p_holm'])}.")
    if same and below:
        sentences.append(f"No difference from the best is shown for {_listed([_label(row) for row in same])}.")
    coded = min(rows, key=lambda row: row["bits_per_byte"])
    bits = interval_of(coded, "bits_per_byte", 3)
    if len(rows) > 1 and not math.isnan(coded["bits_per_byte"]):
        sentences.append(f"{_label(coded)} needs the fewest bits per byte of the reference answers: {bits}.")
    return sentences


def _points(row: dict, key: str) -> str:
    return f"{interval(*(100 * row[f'{key}{end}'] for end in ('', '_low', '_high')), 1)} %"


def learnt(table3: pandas.DataFrame) -> list[str]:
    """Return what each model knows of the graph and of the facts it was taught, beside what it knew before."""
    rows = table3.to_dict("records")
    untuned = {row["model"]: row for row in rows if row["verdict"] == UNTUNED}
    sentences = []
    for row in tuned(table3).to_dict("records"):
        before = untuned.get(row["model"])
        if math.isnan(row["probe"]):
            continue
        words = f"{_label(row)} answers {_points(row, 'probe')} of the probe's items right that training may teach"
        words += f", untuned {_points(before, 'probe')}" if before else ""
        if not math.isnan(row["probe_held_out"]):
            words += f"; of relations held out {_points(row, 'probe_held_out')}"
            words += f", untuned {_points(before, 'probe_held_out')}" if before else ""
        words += " (chance is 25 %)."
        if not math.isnan(row["recall_taught"]):
            words += f" Its answers hold {_points(row, 'recall_taught')} of the required facts that it was taught"
            others = math.isnan(row["recall_untaught"])
            words += "." if others else f", and {_points(row, 'recall_untaught')} of the others."
        sentences.append(words)
    return sentences or ["There is no probe: the study has no graph, or one that is too small."]


def quantization(table5: pandas.DataFrame) -> list[str]:
    """Return one sentence a quantized file: score, NLL, size and speed against F16."""
    sentences = []
    for row in table5.to_dict("records"):
        score = interval_of(row, "difference", 3, sign=True)
        nll = interval_of(row, "nll_difference", 4, sign=True)
        speed = "" if math.isnan(row["speedup"]) else f", {number(row['speedup'])} times as fast per question"
        sentences.append(
            f"{_label(row)}: score: {row['verdict']} ({score}); NLL: {row['nll_verdict']} ({nll} nats per token); "
            f"{size(row['bytes'])} instead of {size(row['bytes_f16'])}{speed}."
        )
    return sentences or ["No model was answered with both in F16 and in a quantized GGUF format."]


def ship(table3: pandas.DataFrame, table6: pandas.DataFrame) -> list[str]:
    """Return which model in which format the measurements speak for, and how sure that is."""
    models = tuned(table3).to_dict("records")
    best = next(row for row in models if row["verdict"] == "best")
    if math.isnan(best["score"]):
        return ["No answer has a valid score: there is nothing to choose a model by."]
    row = next(row for row in table6.to_dict("records") if row["model"] == best["model"])
    weight = "" if math.isnan(row["bytes"]) else f" ({size(row['bytes'])}, {percent(row['share_of_f16'])} of F16)"
    alike = [other["name"] for other in models if other["verdict"] == NO_DIFFERENCE]
    sure = "It scores above every other model." if len(models) > 1 else "It is the only model of this study."
    if alike:
        sure = f"It is not shown to score differently from {_listed(alike)}: choose among them by size and speed."
    lost = ""
    if not math.isnan(row["nll_difference"]):
        change = interval_of(row, "nll_difference", 4, sign=True)
        lost = f" Its NLL against F16: {change} nats per token."
    sentences = [
        f"{best['name']} as {row['recommended']}{weight}.",
        f"Average score at full precision: {_score(best)}. {sure}{lost}",
    ]
    if not math.isnan(best["gain_p_holm"]) and best["gain_verdict"] != "improves":
        sentences.append("Its score is not shown to be better than that of the same model untuned.")
    if best["score"] == 0:
        sentences.append(
            "Its score is 0: do not ship it. The choice stands here because the rule was followed, not because the "
            "model is of use."
        )
    return sentences


def training_gain(table3: pandas.DataFrame) -> list[str]:
    """Return what training did to each model, against the same model untuned."""
    rows = [row for row in tuned(table3).to_dict("records") if not math.isnan(row["gain_p_holm"])]
    if not rows:
        return ["The untuned models were not evaluated (config key evaluate.untuned): what training gave is not known."]
    sentences = []
    for row in rows:
        change = interval_of(row, "gain", 3, sign=True)
        sentences.append(f"{_label(row)}: score against the untuned model: {row['gain_verdict']} ({change}).")
    if not any(row["gain_verdict"] == "improves" for row in rows):
        sentences.append("Training is shown to improve the score of no model.")
    return sentences


def harm(table: pandas.DataFrame | None, table3: pandas.DataFrame, level: float) -> list[str]:
    """Return what training does to the rest of the model that scores highest, in one sentence."""
    if table is None:
        return ["This domain names no sets to measure harm on (config key harm): it was not measured."]
    best = next(row["model"] for row in table3.to_dict("records") if row["verdict"] == "best")
    before, after = (row for row in table.to_dict("records") if row["model"] == best)
    shown = [
        f"{share} {what} ({percent(before[key])} before, p {p_words(after[f'{key}_p_holm'])})"
        for key, what in (("false_premise", "with a false premise"), ("outside", "outside the domain"))
        for share in [f"{after[f'{key}_count']} of {after[f'{key}_questions']} questions"]
    ]
    change = verdict(after["bits_change"], after["bits_p_holm"], level, "better", "worse")
    if math.isnan(after["citations"]):
        cited = "whether places that it cites exist is not known, for want of a table of contents"
    else:
        exist = f"{percent(after['citations_exist'])} of the {after['citations']:,.0f} places that it cites exist"
        cited = exist if after["citations"] else "it cites no place"
    bits = interval_of(after, "bits_change", 4, sign=True)
    return [
        f"{after['name']} ({after['label']}): neutral sentences: {change} ({bits} bits per byte); it goes along with "
        f"{_listed(shown)}; {cited}."
    ]


def references(table3: pandas.DataFrame) -> list[str]:
    """Return what was not measured for want of reference answers."""
    row = table3.to_dict("records")[0]
    lacking = row["questions"] - row["references"]
    if not lacking:
        return []
    whole = "no likelihood of answers was measured" if not row["references"] else "likelihoods are of the others"
    return [
        f"{lacking:,} of {row['questions']:,} questions have no reference answer: {whole}. Their answers are judged "
        "without one."
    ]


def sentences(selected: dict, frames: dict[str, pandas.DataFrame], level: float) -> dict[str, list[str]]:
    """Return heading -> sentences of the summary; intervals are at `level`."""
    sure = (
        f"In brackets stand {percent(level)} intervals over the questions. A difference is named only where a paired "
        "permutation test shows it at that level (Holm's correction between models and between quantized files); "
        '"no difference shown" does not mean that there is none.'
    )
    return {
        "What to ship": ship(frames["table3"], frames["table6"]),
        "Training size": training_size(selected, frames["table2"]),
        "Model": best_model(frames["table3"]),
        "What training gave": training_gain(frames["table3"]),
        "Training or the graph at hand": training_or_graph(frames["at_hand"], level),
        "What was learnt": learnt(frames["table3"]),
        "Quantization": quantization(frames["table5"]),
        "Harm": harm(frames.get("harm"), frames["table3"], level),
        "How sure": [sure, *references(frames["table3"])],
    }
