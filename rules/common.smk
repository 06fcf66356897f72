# What the stages share: the checked configuration, names, paths, and what a job gets.
import json
import os
import re
import sys
from glob import glob
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, os.path.join(workflow.basedir, "scripts"))
from tatara.files.config import read_config
from tatara.files.formats import FORMATS, WITH_GRAPH, most_bits, variants
from tatara.job.alarms import one_alarm_at_a_time
from tatara.job.digests import code_of, pipeline_digest
from tatara.job.environment import check_environment
from tatara.job.errors import InputError
from tatara.job.machine import killed_hint
from tatara.job.seals import quick_digest
from tatara.models.model_files import folder_files, source_kind
from tatara.models.packages import packages_of
from tatara.report.workflow import stages

one_alarm_at_a_time()
# Snakemake's own reader keeps the last of two equal keys, so the files are read again, strictly. A configuration
# replaces the default as a whole: snakemake --configfile config/smoke.yaml ...
DEFAULT_CONFIG = os.path.join(workflow.basedir, "config", "config.yaml")
try:
    config = read_config(
        workflow.configfiles or [DEFAULT_CONFIG],
        workflow.basedir,
        workflow.config_settings.config,
    )
    check_environment(jobs_run_here=workflow.local_exec and not workflow.dryrun)
except InputError as error:
    raise WorkflowError(str(error)) from None

MODELS = list(config["models"])
GGUF_FORMATS = [name for name, entry in FORMATS.items() if entry.gguf]
# What a model's GGUF formats are; a quantized file is made from F16, so F16 is among them.
MODEL_GGUF = {
    model: [name for name in GGUF_FORMATS if name in {"f16", *entry["formats"]}]
    for model, entry in config["models"].items()
    if set(entry["formats"]) & set(GGUF_FORMATS)
}
TUNED = [f"{model}_{fmt}" for model, entry in config["models"].items() for fmt in entry["formats"]]
EVALUATED = ([f"{model}_base" for model in MODELS] if config["evaluate"]["untuned"] else []) + TUNED
# The two-by-two: models that are asked with the graph at hand as well, tuned and untuned; these have answers and scores.
AT_HAND = config["graph_at_hand"]["models"]
TWO_BY_TWO = [f"{model}_{fmt}" for model in AT_HAND for fmt in ("base", most_bits(config["models"][model]["formats"]))]
WITH_GRAPH_ANSWERED = [f"{name}{WITH_GRAPH}" for name in TWO_BY_TWO]
LADDER = variants(config["quantization"]["ladder"], config["quantization"]["imatrix"])
SCALE_RUNS = [
    f"{config['stage1']['model']}_n{n}_r{config['stage1']['r']}_s{seed}"
    for n in sorted(config["subsets"]["sizes"])
    for seed in config["stage1"]["seeds"]
]
SELECTED_RUN = f"{{model}}_selected_r{config['stage2']['r']}_s{config['stage2']['seed']}"
# One job of each rule stands for all of them where the pipeline is drawn.
EXAMPLE = {
    "model": next(iter(MODEL_GGUF), MODELS[0]),
    "fmt": "f16",
    "evaluated": TUNED[0],
    "judge": next(iter(config["judge"]["judges"])),
    "n": str(min(config["subsets"]["sizes"])),
    "r": str(config["stage1"]["r"]),
    "seed": str(config["stage1"]["seeds"][0]),
    "arm": next(iter(config["recipes"]["arms"])) if config["recipes"] else "",
}
ADAPTER_FILES = ["adapter_model.safetensors", "adapter_config.json"]
# Bad data stops the build before any model is made: each data rule goes first and takes all cores while it runs. An edge from
# these rules to training would say the same, but would retrain when a test question is reworded; and with `ancient()` on such an edge
# Snakemake 9.27 overlooks changed params of the training rule whenever a data rule has to run.
DATA_PRIORITY = 100
ALL_CORES = workflow.resource_settings.cores or 1
# Preflight computes on one core. On a small machine it takes all of them, or a long job on the other one would keep the next data rule
# waiting; on a large one the models are looked at side by side.
PREFLIGHT_CORES = min(ALL_CORES, max(2, -(-ALL_CORES // len(config["models"]))))

# The files that the user brings; a graph of a database is one once it is exported.
AUGMENT = config["qa"]["augment"]
HARM = config["harm"] if config["evaluate"]["untuned"] else None  # before and after training
GRAPH = config["graph"]["source"] != "none"
FROM_NEO4J = config["graph"]["source"] == "neo4j"
GIVEN = [
    *(file for key in ("nodes", "relations", "facts") if not FROM_NEO4J for file in config["graph"][key]),
    *filter(None, [config["graph"]["schema"], config["graph"]["toc"]]),
    *config["qa"]["templates"] + config["qa"]["pairs"],
    *filter(None, [config["testset"]["file"], config["testset"]["dev"], config["train"]["general_pairs"]]),
    *([AUGMENT["prompt"]] if AUGMENT else []),
    *([config["graph_at_hand"]["prompt"]] if AT_HAND else []),
    *(HARM.values() if HARM else []),
]


wildcard_constraints:
    model="|".join(map(re.escape, MODELS)),
    fmt="|".join(FORMATS),
    n=r"\d+",
    r=r"\d+",
    seed=r"\d+",


def resource(path):
    """Return a path of the configuration, which is relative to the Snakefile, as seen from the working directory."""
    return os.path.relpath(os.path.join(workflow.basedir, path))


def resources_of(paths):
    return [resource(path) for path in paths]


# A study without a graph makes both of its test questions.
SCHEMA = resource(config["graph"]["schema"]) if GRAPH else "results/graph/schema.yaml"
TOC = resource(config["graph"]["toc"]) if GRAPH else "results/graph/toc.csv"


def names_of(names):
    """Return a pattern for a wildcard that is one of these names, and nothing where there is none."""
    return "|".join(map(re.escape, names)) or "(?!)"


# A base model is made by the rule of its source's kind; one that is continued is made in results/source first.
KINDS = {model: source_kind(entry["source"]) for model, entry in config["models"].items()}
PACKAGED = [model for model, entry in config["models"].items() if packages_of(entry["source"].get("path", {}))]
CORPUS = {key: config["corpus"][key] for key in ("min_chars", "held_out")}


def models_of(*kinds, continued=None):
    """Return a pattern for the models whose sources are of these kinds (none named: all), continued or not."""
    return names_of(
        model
        for model, kind in KINDS.items()
        if (not kinds or kind in kinds) and continued in (None, bool(config["models"][model]["continued"]))
    )


def captions_of(figures):
    return [resource(f"report/{figure.split('_')[0]}.rst") for figure in figures]


def paper(table):
    """Return the paper's values of a table where the study shows them beside its own."""
    return [resource(f"resources/paper/{table}.csv")] if config["study"]["paper"] else []


def adapter(run):
    return [f"results/adapters/{run}/{name}" for name in ADAPTER_FILES]


# Who answers with GGUF formats; the other rule of the two is switched off by formats that no file has.
BY_OLLAMA = GGUF_FORMATS if config["evaluate"]["engine"] == "ollama" else []
BY_LLAMA_CPP = [] if BY_OLLAMA else GGUF_FORMATS
OLLAMA = {key: config["ollama"][key] for key in ("url", "timeout", "parallel")}
CHAT = config["chat"]
PRECISION = config["train"]["base_precision"]
NAMES = {model: entry["name"] for model, entry in config["models"].items()}
BOOTSTRAP = {"seed": config["seed"], **config["statistics"]}
QUESTIONS = {"label": config["testset"]["label"], "limit": config["testset"]["limit"]}
