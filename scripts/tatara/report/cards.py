"""Model cards: what a model is, its licence and use, what it was trained on, and how it measured."""

import math
from pathlib import Path

import jinja2

from tatara.files.formats import FORMATS
from tatara.files.text import write_text
from tatara.measure.results import read_json, read_judge
from tatara.measure.stats import Interval, Resampling, bootstrap_mean, bootstrap_ratio, proportion
from tatara.report.licences import LICENCES, licence_of
from tatara.report.numbers import DASH, interval, percent, percent_interval, size


def origin(base: dict) -> str:
    """Return where a base model is from, from its base.json."""
    if base["source"] == "hub":
        return f"{base['repo']} at commit {base['commit']}"
    if base["source"] == "path":
        package = base.get("package")
        return f"{base['file']} of the package {package['name']} {package['version']}" if package else base["file"]
    return "a small stand-in, built and pretrained by this study on the graph's text"


def derived_name(name: str, prefix: str) -> str:
    """Return a model's name beginning with what the licence of its base asks for; a hyphen counts as a space."""
    return name if name.replace("-", " ").startswith(prefix) else f"{prefix} {name}"


def _text(estimate: Interval, decimals: int) -> str:
    return interval(estimate.value, estimate.low, estimate.high, decimals)


def metrics(judge: Path | str, nll: Path | str, resampling: Resampling) -> list[tuple[str, str]]:
    """Return what was measured, each with its interval over the questions."""
    rows = read_judge(judge)
    scores = rows["score"].dropna()
    measured = read_json(nll)["questions"]
    nats, tokens, sizes = ([row[key] for row in measured] for key in ("nats", "tokens", "bytes"))
    score = rate = DASH
    if len(scores):
        perfect = proportion(int((scores == 3).sum()), len(scores), resampling.level)
        score = f"{_text(bootstrap_mean(scores, resampling), 3)} of 3"
        rate = percent_interval(perfect.value, perfect.low, perfect.high)
    nll_estimate = bootstrap_ratio(nats, tokens, resampling)
    bits = bootstrap_ratio([value / math.log(2) for value in nats], sizes, resampling)
    times = rows["seconds"].dropna()
    seconds = _text(bootstrap_mean(times, resampling), 2) if len(times) else "not measured"
    return [
        ("Average score", score),
        ("Perfect answers (score 3)", rate),
        ("Answers with score 0", f"{int((scores == 0).sum())} of {len(scores)}"),
        ("Answers without a valid score", f"{len(rows) - len(scores)} of {len(rows)}"),
        ("NLL of the reference answers, nats per token", _text(nll_estimate, 4)),
        ("Bits per byte of the reference answers", _text(bits, 3)),
        ("Length of an answer, characters", _text(bootstrap_mean(rows["characters"], resampling), 0)),
        ("Time of an answer on the machine of this study, seconds", seconds),
    ]


def write_card(
    *,
    output: Path | str,
    fmt: str,
    model: dict,
    title: str,
    notice: str,
    judge: Path | str,
    nll: Path | str,
    train: Path | str,
    base: Path | str,
    parity: Path | str,
    selected: Path | str,
    judges: list[str],
    pairs: str,
    **resampling: float,
) -> None:
    """Write the model card of one model in one format.

    Args:
        model: `name` and `license` of the model's section of the config.
        title, notice: of the study.
        judge, nll: scores and likelihoods of this model in this format.
        train: train.json of the adapter; base: base.json of the base model; parity: {model}-parity.json; selected:
            scale/selected.json.
        judges: names of the judges; the first one's scores are shown.
        pairs: where the pairs are from, as it follows `pairs, `.
        resampling: seed, resamples and level.
    """
    how = Resampling(**resampling)
    trained, fidelity, made = read_json(train), read_json(parity), read_json(base)
    licence = LICENCES["none"] if made["source"] == "scratch" else licence_of(model["license"])
    fmt_entry, file_entry = FORMATS[fmt], fidelity["formats"].get(fmt)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template("card.md").render(
        name=f"{derived_name(model['name'], licence.prefix)} {fmt_entry.label} – {title}",
        licence=licence,
        study=title,
        notice=notice,
        origin=origin(made),
        format=fmt_entry,
        shape=fidelity["shape"],
        file_size=size(file_entry["bytes"]) if file_entry else "",
        parity=file_entry,
        trained=trained,
        selected=read_json(selected),
        metrics=metrics(judge, nll, how),
        questions=len(read_judge(judge)),
        judges=judges,
        pairs=pairs,
        level=percent(how.level),
    )
    write_text(output, text)
