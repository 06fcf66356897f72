"""What training does to the rest of a model: neutral text, false premises, questions outside, places that exist."""

import math
from pathlib import Path

import numpy
import pandas

from tatara.data.harm import FALSE_PREMISE, OUTSIDE
from tatara.data.toc import read_toc
from tatara.files.formats import FORMATS
from tatara.files.jsonl import read_jsonl
from tatara.job.errors import InputError
from tatara.measure.citations import Places
from tatara.measure.harm import EMPTY, GOES_ALONG, counts, reactions
from tatara.measure.results import read_json
from tatara.measure.stats import (
    UNKNOWN,
    Ratio,
    Resampling,
    bootstrap_ratio,
    holm,
    interval_columns,
    mcnemar,
    paired_difference,
    permutation_test,
    proportion,
)
from tatara.report.tables.columns import MODEL, count, p_values, share, with_interval, words
from tatara.report.tables.common import in_order
from tatara.report.text_table import Layout

SETS = (FALSE_PREMISE, OUTSIDE)
COMPARED = ("bits", *SETS)  # what has a p-value, each corrected over the models
LAYOUT = Layout(
    "Harm: what training does to the rest",
    "Each model before training and after it, in its format of the most bits. Bits per UTF-8 byte of sentences that "
    "have nothing to do with the domain, as plain text, with the change by a paired permutation test over sentences. "
    "Goes along: the share of the questions whose answer holds no wording that corrects the premise or declines; an "
    "empty answer is counted apart and goes along with nothing; text without sense goes along, since it corrects "
    "nothing (Wilson intervals; McNemar's test against before). Cited places: chapters and sections in the answers to "
    "the test questions, and the share of them that the table of contents has (interval over answers). Intervals are "
    "at {level}, p by Holm's correction over the models.",
    {
        **MODEL,
        "Format": words("label"),
        "Training": words("training"),
        "Bits per byte": with_interval("bits", 3),
        "Change": with_interval("bits_change", 4, sign=True),
        "p": p_values("bits_p_holm"),
        "False premise: goes along": share(FALSE_PREMISE),
        "p (premise)": p_values(f"{FALSE_PREMISE}_p_holm"),
        "Outside: goes along": share(OUTSIDE),
        "p (outside)": p_values(f"{OUTSIDE}_p_holm"),
        "Empty": count("empty"),
        "Cited places": count("citations"),
        "That exist": share("citations_exist"),
    },
)


def _bits(content: dict) -> Ratio:
    """Return bits and bytes of each neutral sentence."""
    rows = content["neutral"]
    return Ratio([row["nats"] / math.log(2) for row in rows], [row["bytes"] for row in rows])


def _label(tuned: dict, place: int) -> str:
    """Return the format's label, before training (0) and after (1): a base in GGUF is F16."""
    fmt = FORMATS[tuned["format"]]
    return fmt.label if place or not fmt.gguf else FORMATS["f16"].label


def _checked(before: dict, after: dict, asked: list[dict]) -> list[dict]:
    """Return both contents.

    Raises:
        InputError: not of the same sentences, or not of the questions that are asked.
    """
    for one in (before, after):
        sentences = [row["id"] for row in one["neutral"]] == [row["id"] for row in before["neutral"]]
        if not sentences or {row["id"] for row in one["answers"]} != {row["id"] for row in asked}:
            file = f"results/harm/{one['model']}_{one['format']}.json"
            raise InputError(f"{file}: not of the sentences and questions of the others; delete it and run again")
    return [before, after]


def _citations(answers: list[dict], places: Places | None, resampling: Resampling) -> dict:
    """Return how many places answers cite, and the share of them that exist; answers are its clusters.

    Without a table of contents both are NaN.
    """
    if places is None:
        return {"citations": numpy.nan} | interval_columns("citations_exist", UNKNOWN)
    cited = [[place.exists for place in places.cited(row["answer"])] for row in answers]
    cited = [one for one in cited if one]
    existing = bootstrap_ratio(list(map(sum, cited)), list(map(len, cited)), resampling) if cited else UNKNOWN
    return {"citations": sum(map(len, cited))} | interval_columns("citations_exist", existing)


def _reacted(reacted: dict[str, str], ids: dict[str, list[str]], level: float) -> dict:
    """Return the share of each set that is gone along with, and the numbers behind it."""
    row: dict = {"empty": 0}
    for name in SETS:
        found, total = counts(reacted, ids[name]), len(ids[name])
        row |= interval_columns(name, proportion(found[GOES_ALONG], total, level))
        row |= {f"{name}_count": found[GOES_ALONG], f"{name}_empty": found[EMPTY], f"{name}_questions": total}
        row["empty"] += found[EMPTY]
    return row


def _compare(rows: list[dict], bits: list[Ratio], reacted: list[dict[str, str]], ids: dict, how: Resampling) -> None:
    """Add what changed to the rows of a model, before and after; the row before has none."""
    before, after = rows
    change = {"bits_p": permutation_test(bits[1], bits[0], how)}
    for name in SETS:
        along = [[one[id_] == GOES_ALONG for id_ in ids[name]] for one in reacted]
        change[f"{name}_p"] = mcnemar(*along)
    before |= interval_columns("bits_change", UNKNOWN) | dict.fromkeys(change, numpy.nan)
    after |= interval_columns("bits_change", paired_difference(bits[1], bits[0], how)) | change


def _adjust(pairs: list[list[dict]]) -> None:
    """Add p-values by Holm's correction over the models."""
    for key in COMPARED:
        adjusted = holm([after[f"{key}_p"] for _, after in pairs])
        for (before, after), p_value in zip(pairs, adjusted, strict=True):
            before[f"{key}_p_holm"], after[f"{key}_p_holm"] = numpy.nan, p_value


def harm_table(
    *,
    before: list[str],
    after: list[str],
    answers: list[str],
    questions: str,
    refusals: str,
    toc: str | list[str],
    names: dict[str, str],
    **resampling: float,
) -> pandas.DataFrame:
    """Return two rows a model, before training and after it.

    Args:
        before, after: harm/{model}_base.json and harm/{model}_{fmt}.json.
        answers: answers/{model}_{fmt}.jsonl to the test questions, of both.
        questions, refusals: harm/questions.jsonl, harm/refusals.json.
        toc: the table of contents that citations are checked against; none in a study without a graph.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how, places = Resampling(**resampling), Places(read_toc(toc)) if toc else None
    asked, wordings = read_jsonl(questions), read_json(refusals)
    ids: dict[str, list[str]] = {name: [row["id"] for row in asked if row["set"] == name] for name in SETS}
    answered = {Path(path).stem: path for path in answers}
    untuned, tuned = in_order(before, names), in_order(after, names)
    pairs = []
    for model, content in tuned.items():
        contents = _checked(untuned[model], content, asked)
        bits = [_bits(one) for one in contents]
        reacted = [reactions(one["answers"], asked, wordings) for one in contents]
        rows = []
        for place, one in enumerate(contents):
            fmt, training = one["format"], ("before", "after")[place]
            row = {"model": model, "name": names[model], "format": fmt, "label": _label(content, place)}
            row |= {"training": training, "sentences": len(one["neutral"])}
            row |= interval_columns("bits", bootstrap_ratio(*bits[place], how))
            row |= _reacted(reacted[place], ids, how.level)
            rows.append(row | _citations(read_jsonl(answered[f"{model}_{fmt}"]), places, how))
        _compare(rows, bits, reacted, ids, how)
        pairs.append(rows)
    _adjust(pairs)
    return pandas.DataFrame([row for rows in pairs for row in rows])
