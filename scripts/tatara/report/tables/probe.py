"""The probe: how much of the graph is in each model, by kind of item, and by relation type."""

import re

import numpy
import pandas

from tatara.files.formats import FORMATS, label_of
from tatara.measure.probe import KINDS, Answers, accuracy, chosen, difference, held_out, read_answers, taught
from tatara.measure.stats import UNKNOWN, Resampling, holm, interval_columns
from tatara.report.numbers import DASH, percent
from tatara.report.tables.columns import MODEL, count, p_values, points, share, words
from tatara.report.tables.common import verdict
from tatara.report.tables.merge import LABELS
from tatara.report.text_table import Column, Layout

FREQUENCIES = "frequencies"
UNTUNED, UNTRAINED = "base", "n0"  # evaluated as F16 is, and as the runs of stage 1 are
RUN = re.compile(r"n(\d+)_r(\d+)_s(\d+)")


def _kind(name: str) -> Column:
    return Column(lambda row: percent(row[name]))


LAYOUT = Layout(
    "The probe: is the graph in the model?",
    "Items with four options; a model takes the one to whose likelihood the question adds most. Whoever knows nothing "
    "gets 25 %, and so do the word frequencies of the training pool: every option is right as often as any other. "
    "Taught: items of relations and facts that training pairs may hold; held out: of relations that no pair holds. "
    "Plain likelihood: all items, by the likeliest option after the question, as lm-evaluation-harness takes it; "
    "nothing asked: by the likeliest where the question is left out. Brackets are {level} intervals over the nodes of "
    "the graph. Against untuned: in percentage points over all items, p by McNemar's test after Holm's correction "
    "within the model.",
    {
        **MODEL,
        "As": words("label"),
        "Items": count("items"),
        "Taught": share("probe"),
        "Held out": share("probe_held_out"),
        "Forward": _kind("forward"),
        "Backward": _kind("backward"),
        "Chained": _kind("chained"),
        "Number": _kind("number"),
        "Term": _kind("term"),
        "Plain likelihood": share("plain"),
        "Nothing asked": share("without"),
        "Against untuned": points("difference"),
        "p": p_values("p_holm"),
        "Verdict": words("verdict"),
    },
)
TYPES = Layout(
    "The probe by relation type and kind of fact",
    "Each model untuned and tuned, in its format of the most bits; {level} intervals over the nodes of the graph; the "
    "difference in percentage points is paired.",
    {
        **MODEL,
        "Kind": words("kind"),
        "Type": words("type"),
        "Items": count("items"),
        "Untuned": share("untuned"),
        "Tuned": share("tuned"),
        "Difference": points("difference"),
    },
    "The domain is too small for a probe.",
)
TYPE_COLUMNS = (
    *("model", "name", "kind", "type", "items"),
    *(f"{key}{end}" for key in ("untuned", "tuned", "difference") for end in ("", "_low", "_high")),
)


def _split(name: str, models: list[str]) -> tuple[str, str]:
    """Return model and what follows it of a name such as `swallow_q4-imatrix`; no model for word frequencies."""
    owners = [model for model in models if name.startswith(f"{model}_")]
    owner = max(owners, key=len, default="")
    return owner, name.removeprefix(f"{owner}_")


def _label(part: str) -> str:
    """Return what readers call a run, a format or a merge."""
    if match := RUN.fullmatch(part):
        size, rank, seed = match.groups()
        return f"n = {int(size):,}, r {rank}, seed {seed}"
    known = {UNTUNED: "untuned", UNTRAINED: "untuned, as stage 1 measures", **LABELS}
    return known[part] if part in known else label_of(part)


def _order(part: str) -> tuple:
    if match := RUN.fullmatch(part):
        return 2, *map(int, match.groups())
    first = {UNTRAINED: 0, UNTUNED: 1, **{name: 3 for name in LABELS}}
    return (first.get(part, 4),)


def _row(answers: Answers, resampling: Resampling) -> dict:
    return (
        {"items": len(answers)}
        | interval_columns("probe", accuracy([taught(answers)], resampling))
        | interval_columns("probe_held_out", accuracy([held_out(answers)], resampling))
        | {
            column: value
            for kind in KINDS
            for column, value in interval_columns(
                kind, accuracy([chosen(answers, lambda one, kind=kind: one.kind == kind)], resampling)
            ).items()
        }
        | interval_columns("plain", accuracy([answers], resampling, "plain"))
        | interval_columns("without", accuracy([answers], resampling, "without"))
    )


def probe_table(*, probe: list[str], names: dict[str, str], **resampling: float) -> pandas.DataFrame:
    """Return what word frequencies, and each model in each form, get right in the probe.

    Args:
        probe: all probe files: of word frequencies, runs, models and formats, merges and ladders.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how, found = Resampling(**resampling), read_answers(probe)
    unknown = {"p_value": numpy.nan, "p_holm": numpy.nan, "verdict": DASH}
    frequencies = {"model": "", "name": "Word frequencies", "label": "of the pool's answers"}
    asked_alike = interval_columns("without", UNKNOWN) | interval_columns("difference", UNKNOWN)
    table = [frequencies | _row(found.pop(FREQUENCIES, {}), how) | asked_alike | unknown]
    parts: dict[str, list[str]] = {model: [] for model in names}
    for name in found:
        model, part = _split(name, list(names))
        parts[model].append(part)
    for model, own in parts.items():
        rows = []
        for part in sorted(own, key=_order):
            answers = found[f"{model}_{part}"]
            reference = found.get(f"{model}_{UNTRAINED if RUN.fullmatch(part) else UNTUNED}")
            row = {"model": model, "name": names[model], "label": _label(part)} | _row(answers, how)
            if reference is None or part in (UNTUNED, UNTRAINED):
                rows.append(row | interval_columns("difference", UNKNOWN) | unknown)
                continue
            change, p_value = difference(answers, reference, how)
            rows.append(row | interval_columns("difference", change) | {"p_value": p_value})
        compared = [row for row in rows if not numpy.isnan(row["p_value"])]
        for row, adjusted in zip(compared, holm([row["p_value"] for row in compared]) if compared else [], strict=True):
            words = verdict(row["difference"], adjusted, how.level, "below", "above")
            row |= {"p_holm": adjusted, "verdict": words}
        table += rows
    return pandas.DataFrame(table)


def probe_types(*, probe: list[str], names: dict[str, str], **resampling: float) -> pandas.DataFrame:
    """Return the probe by kind and type, each model untuned and tuned.

    Args:
        probe: probe files of `{model}_base` and of each model's format of the most bits.
        names: model -> display name, in the order of the rows.
        resampling: seed, resamples and level.
    """
    how, found = Resampling(**resampling), read_answers(probe)
    table = []
    for model in names if found else ():
        untuned = found[f"{model}_{UNTUNED}"]
        formats = [fmt for fmt in FORMATS if f"{model}_{fmt}" in found and fmt != UNTUNED]
        tuned = found[f"{model}_{max(formats, key=lambda fmt: FORMATS[fmt].bits)}"]
        for kind, type_ in sorted(
            {(one.kind, one.type) for one in tuned.values()}, key=lambda entry: (KINDS.index(entry[0]), entry[1])
        ):
            own, other = (
                chosen(answers, lambda one, key=(kind, type_): (one.kind, one.type) == key)
                for answers in (tuned, untuned)
            )
            table.append(
                {"model": model, "name": names[model], "kind": kind, "type": type_, "items": len(own)}
                | interval_columns("untuned", accuracy([other], how))
                | interval_columns("tuned", accuracy([own], how))
                | interval_columns("difference", difference(own, other, how)[0])
            )
    return pandas.DataFrame(table, columns=list(TYPE_COLUMNS))
