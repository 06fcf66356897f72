# Inputs that are found from the configuration: the user's files, and the subset of the selected size.
# What every table says of itself.
ONE_SET = (
    ""
    if config["testset"]["dev"]
    else "There are no development questions: size and format are selected on the questions that are reported."
)
NO_GRAPH = "" if GRAPH else "This study has no knowledge graph, so that there is nothing to probe."
IN_WORDS = {
    "level": BOOTSTRAP["level"],
    "notice": " ".join(filter(None, [config["study"]["notice"], ONE_SET, NO_GRAPH])),
}
# Where the pairs are from, as the model cards say it.
PAIRS_FROM = " and ".join(
    (["made from a knowledge graph by templates"] if GRAPH else [])
    + (["taken from files of the user's own"] if config["qa"]["pairs"] else [])
)
# The domain's text beside a corpus: the graph's, or the answers of one's own pairs.
PAIRS_AS_TEXT = [] if GRAPH else "results/qa/qa_pairs.jsonl"


def corpus_files():
    pattern = config["corpus"]["glob"]
    found = sorted(glob(os.path.join(workflow.basedir, pattern), recursive=True)) if pattern else []
    if pattern and not found:
        raise WorkflowError(
            f"config key corpus.glob is {pattern!r}, and no file matches it (seen from {workflow.basedir})"
        )
    return [os.path.relpath(path) for path in found]


def general_pairs(train):
    """Return the general pairs, where the section `train`, or an arm's, mixes some in."""
    return ["results/qa/general.jsonl"] if train["general_share"] else []


def answering(model, /, **more):
    """Return the most tokens of a model's answer, its own limit before the study's, and of its context."""
    most = config["models"][model]["max_new_tokens"] or config["evaluate"]["max_new_tokens"]
    return {"limit": most, "context": config["evaluate"]["context"], **more}


def path_source(wildcards):
    return config["models"][wildcards.model]["source"].get("path")


def path_files(wildcards):
    """Return what a model is made of that lies on this disk, as named inputs: the user's files, or a fetched package."""
    source = path_source(wildcards)
    if not source:
        return {}
    if wildcards.model in PACKAGED:
        return {"package": f"results/package/{wildcards.model}"}
    path = resource(source["file"])
    files = folder_files(Path(path)) if os.path.isdir(path) else []
    if files:
        return {"files": [str(file) for file in files]}
    if not (os.path.isfile(path) or os.path.isdir(f"results/base/{wildcards.model}")):
        raise WorkflowError(
            f"config key models.{wildcards.model}.source.path.file: no model lies at {path}; expected a folder "
            "of safetensors with its tokenizer, or a GGUF file"
        )
    return {"files": [path]}


def content_of(files):
    """Return file -> bytes and digest, of a large file that of its ends: files of the user's that are replaced in place."""
    return {
        os.path.basename(file): [
            os.path.getsize(file),
            quick_digest(Path(file), os.path.getsize(file)),
        ]
        for file in files
        if os.path.isfile(file)
    }


def path_content(wildcards):
    return content_of(path_files(wildcards).get("files", []))


def preflight_files(wildcards):
    """Return what preflight reads of a model, as named inputs: a hub model's description, a package, or the user's files."""
    if KINDS[wildcards.model] == "hub":
        return {"description": f"results/hub/{wildcards.model}"}
    return path_files(wildcards)


def preflight_place(wildcards):
    """Return where preflight finds a model: its folder or file, None for one that is built here."""
    if KINDS[wildcards.model] == "hub":
        return f"results/hub/{wildcards.model}"
    source = path_source(wildcards)
    if not source:
        return None
    if wildcards.model in PACKAGED:
        return f"results/package/{wildcards.model}/{source['file']}"
    return resource(source["file"])


def preflight_note(wildcards):
    """Return what preflight passed: a model's source, and the content of files on this disk."""
    source = config["models"][wildcards.model]["source"]
    return {"source": source, "content": path_content(wildcards)}


def passed(wildcards):
    """Return the note that a model has passed preflight, an input of whatever makes the base model.

    The base waits for the note the first time, and where source or files are others than it says; then the base is made
    anew in any case. Else the note stays among the inputs and leads to no job (`before_update`): preflight that runs
    again, for its code or a further format, makes and trains nothing again, and goes first by its priority alone. An edge
    with `ancient()` would not do: where what stands before such an edge has to run, Snakemake 9.27 overlooks changed params
    of all that follows, and where its file is missing it runs all that follows.
    """
    note = f"results/models/{wildcards.model}-passed.json"
    if os.path.isfile(note):
        with open(note, encoding="utf-8") as file:
            if json.load(file) == preflight_note(wildcards):
                return before_update(ancient(note))
    return note


def chat_template(wildcards):
    """Return the file of a model's chat template where the configuration names one, as a named input."""
    file = config["models"][wildcards.model]["chat_template"]
    return {"template": resource(file)} if file else {}


def ollama_template(wildcards):
    """Return the file of a model's template for Ollama where the configuration names one, as a named input."""
    file = config["models"][wildcards.model]["ollama_template"]
    return {"template": resource(file)} if file else {}


def selected_subset(wildcards):
    """Return the subset of the selected size. Its own file and not the copy: it is as old as it was when the same size is selected again."""
    with checkpoints.scale.get().output.selected.open(encoding="utf-8") as file:
        return f"results/subsets/subset_merged_{json.load(file)['n']}.jsonl"


# Where the pipeline is drawn, a size is what flows from the selection.
selected_subset.drawn_as = "results/scale/selected.json"


def parity_of(wildcards):
    """Return the parity of a model's GGUF files; the untuned model's is none of them, and waits for no training."""
    return [] if FORMATS[wildcards.fmt].untuned else f"results/gguf/{wildcards.model}-parity.json"


def judge_file(judge):
    """Return the GGUF file of a judge as seen from the working directory, None for a judge of another kind."""
    file = config["judge"]["judges"][judge]["file"]
    return resource(file) if file else None


def judge_files(wildcards):
    """Return the GGUF file of a judge where it is there; that it is missing is said by the job."""
    file = judge_file(wildcards.judge)
    return [file] if file and os.path.isfile(file) else []
