"""What must fit between keys of the configuration that are each right."""

import re

from tatara.files.control_tokens import token_problem

SOURCES = ("hub", "path", "scratch")
NEO4J_URI = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?://[^/@\s]+")
JUDGE_NEEDS = {"llama_cpp": ("file",), "ollama": ("model",), "openai": ("model", "url")}
# Capitals alone, so that a key which was written in place of a variable's name is most likely told.
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

Fault = tuple[tuple, str]  # path of the key, message


def _fault(path: str, message: str) -> Fault:
    return tuple(path.split(".")), f"config key {path} {message}"


def _without_graph(config: dict) -> list[Fault]:
    """Return what asks for a graph in a study that has none."""
    graph, qa, faults = config["graph"], config["qa"], []
    if not qa["pairs"]:
        faults.append(_fault("graph", "is missing: a study needs a graph, or pairs of its own under qa.pairs"))
    needing = {f"graph.{key}": graph[key] for key in ("nodes", "relations", "facts", "schema", "toc")}
    of_graph = ("templates", "target_counts", "answer_chars", "ask_for_all", "augment")
    needing |= {f"qa.{key}": qa[key] for key in of_graph}
    needing["graph_at_hand.models"] = config["graph_at_hand"]["models"]
    reason = "needs a graph, and there is none (config key graph.source): remove one of the two"
    return faults + [_fault(key, reason) for key, value in needing.items() if value]


def _graph(config: dict) -> list[Fault]:
    graph, faults = config["graph"], []
    if graph["source"] == "none":
        return _without_graph(config)
    if not config["qa"]["templates"]:
        remedy = "expected template files, such as resources/templates/generic.yaml"
        faults.append(_fault("qa.templates", f"is missing: {remedy}"))
    if graph["source"] == "csv" and not graph["nodes"]:
        faults.append(_fault("graph.nodes", "is missing: the source csv needs it"))
    uri = graph["neo4j"]["uri"]
    if not NEO4J_URI.fullmatch(uri):
        # What has an @ may hold a password, and is not repeated.
        state = (
            "holds a user or password: name the user in graph.neo4j.user, the password in the environment"
            if "@" in uri
            else f"is {uri!r}"
        )
        expected = "expected bolt://host:port or neo4j://host:port, with +s or +ssc for TLS"
        faults.append(_fault("graph.neo4j.uri", f"{state}; {expected}"))
    return faults


def _qa(qa: dict) -> list[Fault]:
    if qa["stratify_by"] and not qa["pairs"]:
        return [_fault("qa.stratify_by", "is for the files of qa.pairs, and none is named")]
    lengths = qa["answer_chars"]
    if lengths and lengths["most"] < lengths["aim"]:
        return [_fault("qa.answer_chars.most", f"is {lengths['most']}: expected at least aim, {lengths['aim']}")]
    return []


def _packages(key: str, path: dict) -> list[Fault]:
    """Return what is wrong with the packages of a `path` source."""
    faults = []
    if "package" in path and "packages" in path:
        message = f"config keys {key}.package and {key}.packages are both there: name one package, or several"
        faults.append((tuple(f"{key}.packages".split(".")), message))
    if "parts" in path and not {"packages", "package"} & path.keys():
        faults.append(_fault(f"{key}.parts", f"needs {key}.packages: the parts lie in packages"))
    if "parts" in path and "sha256" not in path:
        faults.append(_fault(f"{key}.parts", f"needs {key}.sha256: the joined file is checked by its digest"))
    if "sha256" in path and not path["file"].endswith(".gguf"):
        faults.append(_fault(f"{key}.sha256", f"is for a GGUF file, and {key}.file is {path['file']!r}"))
    return faults


def _models(models: dict) -> list[Fault]:
    faults = []
    for name, model in models.items():
        named = [kind for kind in SOURCES if kind in model["source"]]
        if len(named) != 1:
            state = "names none" if not named else f"names {len(named)} ({', '.join(named)})"
            faults.append(_fault(f"models.{name}.source", f"{state}: give exactly one of {', '.join(SOURCES)}"))
        if "scratch" in named and model["continued"]:
            reason = "is for hub and path sources: a scratch model is pretrained by its own steps"
            faults.append(_fault(f"models.{name}.continued", reason))
        faults += _packages(f"models.{name}.source.path", model["source"].get("path", {}))
        scratch = model["source"].get("scratch")
        if scratch and scratch["heads"] % scratch["kv_heads"]:
            state = f"is {scratch['kv_heads']}: it must divide heads, {scratch['heads']}"
            faults.append(_fault(f"models.{name}.source.scratch.kv_heads", state))
    return faults


def _train(key: str, train: dict) -> list[Fault]:
    """Return what does not fit in the section `train`, or in that of an arm."""
    faults = []
    if train["general_share"] and not train["general_pairs"]:
        state = f"is {train['general_share']}, and train.general_pairs names no file of general pairs"
        faults.append(_fault(f"{key}.general_share", state))
    if train["micro_batch_size"] and train["batch_size"] % train["micro_batch_size"]:
        state = f"is {train['micro_batch_size']}: it must divide train.batch_size, {train['batch_size']}"
        faults.append(_fault(f"{key}.micro_batch_size", state))
    if train["weights"] == "all" and train["base_precision"] != "bf16":
        state = f"is all, and base_precision {train['base_precision']}: expected bf16, which can be trained"
        faults.append(_fault(f"{key}.weights", state))
    return faults


def _training(config: dict) -> list[Fault]:
    faults = []
    model, models, train = config["stage1"]["model"], config["models"], config["train"]
    if model not in models:
        faults.append(_fault("stage1.model", f"is {model!r}: expected one of models, {', '.join(models)}"))
    if config["stage1"]["rule"] == "recall" and not config["testset"]["dev"]:
        faults.append(
            _fault("stage1.rule", "is recall, which needs testset.dev: answers to its questions are compared")
        )
    return faults + _train("train", train)


def _recipes(config: dict) -> list[Fault]:
    faults = []
    sizes = ", ".join(map(str, config["subsets"]["sizes"]))
    recipes = config["recipes"] or {"model": config["stage1"]["model"], "n": config["subsets"]["sizes"][0], "arms": {}}
    if recipes["arms"] and not config["testset"]["dev"]:
        faults.append(_fault("recipes", "needs testset.dev: arms are compared on the development questions"))
    places = {"recipes": recipes} | {f"recipes.arms.{arm}": entry for arm, entry in recipes["arms"].items()}
    for key, entry in places.items():
        if entry["model"] is not None and entry["model"] not in config["models"]:
            expected = f"expected one of models, {', '.join(config['models'])}"
            faults.append(_fault(f"{key}.model", f"is {entry['model']!r}: {expected}"))
        if entry["n"] is not None and entry["n"] not in config["subsets"]["sizes"]:
            faults.append(_fault(f"{key}.n", f"is {entry['n']}: expected one of subsets.sizes, {sizes}"))
    for arm, entry in recipes["arms"].items():
        faults += _train(f"recipes.arms.{arm}.train", config["train"] | entry["train"])
    return faults


def _graph_at_hand(config: dict) -> list[Fault]:
    models, known = config["graph_at_hand"]["models"], config["models"]
    faults = [
        _fault("graph_at_hand.models", f"names {model!r}: expected ids of models, {', '.join(known)}")
        for model in models
        if model not in known
    ]
    if models and not config["evaluate"]["untuned"]:
        reason = "needs evaluate.untuned: true, since the graph at hand is compared with training; or leave it empty"
        faults.append(_fault("graph_at_hand.models", reason))
    return faults


def _judges(judges: dict) -> list[Fault]:
    faults = []
    for name, judge in judges.items():
        for key in JUDGE_NEEDS.get(judge["kind"], ()):
            if not judge[key]:
                reason = f"is missing: a judge of the kind {judge['kind']} needs it"
                faults.append(_fault(f"judge.judges.{name}.{key}", reason))
        if judge["repeats"] > 1 and (judge["kind"] == "rubric" or not judge["temperature"]):
            reason = f"is {judge['repeats']}: repeats of a judge without a temperature are all the same"
            faults.append(_fault(f"judge.judges.{name}.repeats", reason))
    return faults


def _addresses(config: dict) -> list[Fault]:
    """Return the addresses and names of variables that give away a password or a key; neither is repeated."""
    servers = {f"judge.judges.{name}": judge for name, judge in config["judge"]["judges"].items()}
    if config["qa"]["augment"] and config["qa"]["augment"]["server"]:
        servers["qa.augment.server"] = config["qa"]["augment"]["server"]
    urls = {"ollama.url": config["ollama"]["url"]}
    urls |= {f"{place}.url": server["url"] for place, server in servers.items()}
    where = "it goes into logs and results; put the server behind an address without one"
    faults = [_fault(name, f"holds a user or password: {where}") for name, url in urls.items() if url and "@" in url]
    faults += [_fault(name, f"holds a query: {where}") for name, url in urls.items() if url and "?" in url]
    expected = "expected a name in capitals, such as OPENAI_API_KEY; the key itself belongs into the environment"
    for place, server in servers.items():
        if server["key_env"] is not None and not VARIABLE.fullmatch(server["key_env"]):
            faults.append(_fault(f"{place}.key_env", f"is no name of an environment variable: {expected}"))
    return faults


def _shares(rebalance: dict) -> list[Fault]:
    both = sorted(rebalance["retain"].keys() & rebalance["target_share"].keys())
    reason = f"both name {', '.join(both)}: name each type in one of them"
    return [(("rebalance",), f"config keys rebalance.retain and rebalance.target_share {reason}")] if both else []


def _system_prompt(system: str) -> list[Fault]:
    message = token_problem("config key chat.system", system)
    return [(("chat", "system"), message)] if message else []


def _paths(config: dict) -> list[Fault]:
    """Return the paths that Snakemake would take for patterns."""
    graph, augment = config["graph"], config["qa"]["augment"]
    named = {f"graph.{key}": graph[key] for key in ("nodes", "relations", "schema", "toc")}
    named |= {f"qa.{key}": config["qa"][key] for key in ("templates", "pairs")}
    named["testset.file"] = config["testset"]["file"]
    named |= {"qa.augment.prompt": augment["prompt"]} if augment else {}
    named["graph_at_hand.prompt"] = config["graph_at_hand"]["prompt"]
    named["train.general_pairs"] = config["train"]["general_pairs"]
    named |= {f"harm.{key}": path for key, path in (config["harm"] or {}).items()}
    for name, model in config["models"].items():
        named[f"models.{name}.source.path.file"] = model["source"].get("path", {}).get("file")
    for name, judge in config["judge"]["judges"].items():
        named |= {f"judge.judges.{name}.{key}": judge[key] for key in ("file", "prompt")}
    reason = "has a brace, which Snakemake takes for a wildcard: rename the file or its folder, or give a link to it"
    return [
        _fault(key, f"is {path!r}: it {reason}")
        for key, paths in named.items()
        for path in (paths if isinstance(paths, list) else [paths])
        if path and set(path) & set("{}")
    ]


def check_across(config: dict) -> list[Fault]:
    """Return what is wrong between keys that are each right, the path of the key and a message each.

    Args:
        config: the configuration with every default.
    """
    return [
        *_graph(config),
        *_qa(config["qa"]),
        *_models(config["models"]),
        *_training(config),
        *_recipes(config),
        *_graph_at_hand(config),
        *_judges(config["judge"]["judges"]),
        *_addresses(config),
        *_shares(config["rebalance"]),
        *_system_prompt(config["chat"]["system"]),
        *_paths(config),
    ]
