"""Model cards: what a deployable model is, what it may be used for and under which licence, what it was trained on and
how it measured.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import jinja2

from tatara.files.formats import FORMATS
from tatara.files.text import write_text
from tatara.measure import stats
from tatara.measure.results import read_json, read_judge
from tatara.report.table_text import NONE, interval, percent, size


@dataclass(frozen=True)
class Licence:
    """A base model's licence and what it asks of a model made from it.

    Attributes:
        title: its full name.
        hub: its id on a model hub, for the card's metadata.
        prefix: what the name of a derived model has to begin with.
        notice: what has to be shown wherever the model is offered.
        obligations: what else it asks for, in our words; the licence's own text is what counts.
    """

    title: str
    hub: str
    prefix: str = ""
    notice: str = ""
    obligations: tuple[str, ...] = ()


# Meta Llama 3 Community License Agreement of 18 April 2024, section 1.b and 2; Apache License 2.0, section 4; MIT.
LICENCES = {
    "llama3": Licence(
        "Meta Llama 3 Community License",
        "llama3",
        "Llama 3",
        "Built with Meta Llama 3",
        (
            "Pass a copy of the licence on with the model.",
            "Show “Built with Meta Llama 3” on a page, in the interface or in the documentation of what uses the "
            "model.",
            "Begin the name of a model that is made from it with “Llama 3”.",
            "Keep the line of the licence's attribution notice in a file called Notice.",
            "Follow Meta's Acceptable Use Policy, and do not use the model or its answers to improve other language "
            "models than Llama 3.",
            "With more than 700 million users a month, ask Meta for a licence.",
        ),
    ),
    "apache-2.0": Licence(
        "Apache License 2.0",
        "apache-2.0",
        "",
        "",
        (
            "Pass a copy of the licence and of a NOTICE file, where there is one, on with the model.",
            "Say that the model was changed.",
        ),
    ),
    "mit": Licence("MIT License", "mit", "", "", ("Pass the copyright and permission notice on with the model.",)),
    "none": Licence("none", "other"),
    "unknown": Licence(
        "not stated in this study's configuration",
        "unknown",
        "",
        "",
        (
            "Find the base model's licence, name it in the configuration (models.NAME.license), and follow it before "
            "you pass the model on.",
        ),
    ),
}


def origin(base: dict) -> str:
    """Return where a base model is from, from its base.json."""
    if base["source"] == "hub":
        return f"{base['repo']} at commit {base['commit']}"
    if base["source"] == "path":
        package = base.get("package")
        return f"{base['file']} of the package {package['name']} {package['version']}" if package else base["file"]
    return "a small stand-in, built and pretrained by this study on the graph's text"


def metrics(judge: Path | str, nll: Path | str, *, seed: int, level: float, resamples: int) -> list[tuple[str, str]]:
    """Return what was measured, each with its interval over the questions."""
    rows = read_judge(judge)
    scores = rows["score"].dropna()
    measured = read_json(nll)["questions"]
    nats, tokens = [row["nats"] for row in measured], [row["tokens"] for row in measured]
    bits = [row["nats"] / math.log(2) for row in measured]
    settings = {"seed": seed, "samples": resamples, "level": level}

    def shown(found: stats.Interval, decimals: int) -> str:
        return interval(found.value, found.low, found.high, decimals)

    if len(scores):
        perfect = stats.proportion(int((scores == 3).sum()), len(scores), level)
        score = f"{shown(stats.bootstrap_mean(scores, **settings), 3)} of 3"
        rate = f"{percent(perfect.value)} [{100 * perfect.low:.0f}, {100 * perfect.high:.0f}]"
    else:
        score = rate = NONE
    return [
        ("Average score", score),
        ("Perfect answers (score 3)", rate),
        ("Answers with score 0", f"{int((scores == 0).sum())} of {len(scores)}"),
        ("Answers without a valid score", f"{len(rows) - len(scores)} of {len(rows)}"),
        ("NLL of the reference answers, nats per token", shown(stats.bootstrap_ratio(nats, tokens, **settings), 4)),
        (
            "Bits per byte of the reference answers",
            shown(stats.bootstrap_ratio(bits, [row["bytes"] for row in measured], **settings), 3),
        ),
        ("Length of an answer, characters", shown(stats.bootstrap_mean(rows["characters"], **settings), 0)),
        (
            "Time of an answer on the machine of this study, seconds",
            shown(stats.bootstrap_mean(rows["seconds"].dropna(), **settings), 2),
        ),
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
    seed: int,
    level: float,
    resamples: int,
) -> None:
    """Write the model card of one model in one format.

    Args:
        model: the model's section of the config.
        title, notice: of the study.
        judge, nll: scores and likelihoods of this model in this format.
        train: train.json of the adapter; base: base.json of the base model; parity: {model}-parity.json; selected:
            scale/selected.json.
        judges: names of the judges; the first one's scores are shown.
    """
    trained, held, made = read_json(train), read_json(parity), read_json(base)
    known, licence = FORMATS[fmt], LICENCES["none" if made["source"] == "scratch" else model["license"]]
    entry = held["formats"].get(fmt)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template("card.md").render(
        name=" ".join(part for part in (licence.prefix, model["name"], known.label, "–", title) if part),
        licence=licence,
        study=title,
        notice=notice,
        origin=origin(made),
        format=known,
        shape=held["shape"],
        file_size=size(entry["bytes"]) if entry else "",
        parity=entry,
        trained=trained,
        selected=read_json(selected),
        metrics=metrics(judge, nll, seed=seed, level=level, resamples=resamples),
        questions=len(read_judge(judge)),
        judges=judges,
        level=percent(level),
    )
    write_text(output, text)
