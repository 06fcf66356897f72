# Inputs that are found from the configuration: the user's files, and the subset of the selected size.


def corpus_files():
    pattern = config["corpus"]["glob"]
    found = sorted(glob(os.path.join(workflow.basedir, pattern), recursive=True)) if pattern else []
    if pattern and not found:
        raise WorkflowError(
            f"config key corpus.glob is {pattern!r}, and no file matches it (seen from {workflow.basedir})"
        )
    return [os.path.relpath(path) for path in found]


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


def judge_file(judge):
    """Return the GGUF file of a judge as seen from the working directory, None for a judge of another kind."""
    file = config["judge"]["judges"][judge]["file"]
    return resource(file) if file else None
