"""The configuration: read strictly, completed with defaults, checked across its keys."""

import copy
import re
from pathlib import Path

import yaml

from tatara.files.json_schema import schema_problems
from tatara.job.errors import InputError

SOURCES = ("hub", "path", "scratch")
NEO4J_URI = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?://[^/@\s]+")


def _fill(schema: dict, value: object) -> None:
    """Put the schema's defaults where `value` has none, in place."""
    if not isinstance(value, dict):
        return
    for key, part in schema.get("properties", {}).items():
        if key not in value and "default" in part:
            value[key] = copy.deepcopy(part["default"])
        if key in value:
            _fill(part, value[key])
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            _fill(others, value[key])


def _graph(graph: dict) -> list[str]:
    """Return what is wrong with the graph's source."""
    wrong = [
        f"config key graph.{key} is missing: the source csv needs it"
        for key in ("nodes", "relations")
        if graph["source"] == "csv" and not graph[key]
    ]
    uri = graph["neo4j"]["uri"]
    if not NEO4J_URI.fullmatch(uri):
        # What has an @ may hold a password, and is not repeated.
        found = (
            "holds a user or password: name the user in graph.neo4j.user, the password in the environment"
            if "@" in uri
            else f"is {uri!r}"
        )
        wrong.append(
            f"config key graph.neo4j.uri {found}; expected bolt://host:port or neo4j://host:port, with +s or +ssc for "
            "TLS"
        )
    return wrong


def _packages(key: str, path: dict) -> list[str]:
    """Return what is wrong with the packages of a `path` source."""
    wrong = []
    if "package" in path and "packages" in path:
        wrong.append(f"config keys {key}.package and {key}.packages are both there: name one package, or several")
    if "parts" in path and not {"packages", "package"} & path.keys():
        wrong.append(f"config key {key}.parts needs {key}.packages: the parts lie in packages")
    if ("parts" in path) != ("sha256" in path):
        wrong.append(
            f"config keys {key}.parts and {key}.sha256 belong together: the joined file is checked by its digest"
        )
    return wrong


def _across(config: dict) -> list[str]:
    """Return what is wrong between keys that are each right."""
    wrong = _graph(config["graph"])
    models = config["models"]
    for name, model in models.items():
        given = [kind for kind in SOURCES if kind in model["source"]]
        if len(given) != 1:
            found = "names none" if not given else f"names {len(given)} ({', '.join(given)})"
            wrong.append(f"config key models.{name}.source {found}: give exactly one of {', '.join(SOURCES)}")
        if "scratch" in given and model["continued"]:
            wrong.append(
                f"config key models.{name}.continued is for hub and path sources: a scratch model is pretrained by "
                "its own steps"
            )
        wrong += _packages(f"models.{name}.source.path", model["source"].get("path", {}))
        scratch = model["source"].get("scratch")
        if scratch and scratch["heads"] % scratch["kv_heads"]:
            wrong.append(
                f"config key models.{name}.source.scratch.kv_heads is {scratch['kv_heads']}: it must divide heads, "
                f"{scratch['heads']}"
            )
    if config["stage1"]["model"] not in models:
        wrong.append(
            f"config key stage1.model is {config['stage1']['model']!r}: expected one of models, {', '.join(models)}"
        )
    train = config["train"]
    if train["micro_batch_size"] and train["batch_size"] % train["micro_batch_size"]:
        wrong.append(
            f"config key train.micro_batch_size is {train['micro_batch_size']}: it must divide train.batch_size, "
            f"{train['batch_size']}"
        )
    needed = {"llama_cpp": "file", "ollama": "model"}
    for name, judge in config["judge"]["judges"].items():
        key = needed.get(judge["kind"])
        if key and not judge[key]:
            wrong.append(
                f"config key judge.judges.{name}.{key} is missing: a judge of the kind {judge['kind']} needs it"
            )
        if judge["repeats"] > 1 and (judge["kind"] == "rubric" or not judge["temperature"]):
            wrong.append(
                f"config key judge.judges.{name}.repeats is {judge['repeats']}: repeats of a judge without a "
                "temperature are all the same"
            )
    for name, url in {
        "ollama.url": config["ollama"]["url"],
        **{f"judge.judges.{key}.url": judge["url"] for key, judge in config["judge"]["judges"].items()},
    }.items():
        if url and "@" in url:
            wrong.append(
                f"config key {name} holds a user or password: it goes into logs and results; put the server behind an "
                "address without one"
            )
    both = sorted(config["rebalance"]["retain"].keys() & config["rebalance"]["target_share"].keys())
    if both:
        wrong.append(
            f"config keys rebalance.retain and rebalance.target_share both name {', '.join(both)}: name each type in "
            "one of them"
        )
    return wrong


def check_config(config: dict, schema_file: Path) -> dict:
    """Return the configuration with every default filled in.

    Raises:
        InputError: names each key that is unknown, missing or wrong, with what was expected.
    """
    schema = yaml.safe_load(Path(schema_file).read_text(encoding="utf-8"))
    config = copy.deepcopy(config)
    messages = schema_problems(config, schema, "config key")
    if not messages:
        _fill(schema, config)
        messages = _across(config)
    if messages:
        raise InputError("the configuration has errors:\n  " + "\n  ".join(messages))
    return config
