# Stage deploy: results/deploy/{model}-{fmt}/README.md · Modelfile, check.json (the target `deploy`, no part of `all`)
CARDS = [f"results/deploy/{name.replace('_', '-')}/README.md" for name in TUNED]


rule model_card:
    """Write the model card of a model in one format."""
    input:
        judge="results/judge/judge_{model}_{fmt}.csv",
        nll="results/nll/{model}_{fmt}.json",
        train=f"results/adapters/{SELECTED_RUN}/train.json",
        base="results/base/{model}",
        parity="results/gguf/{model}-parity.json",
        selected="results/scale/selected.json",
    output:
        "results/deploy/{model}-{fmt}/README.md",
    log:
        "results/logs/model_card_{model}_{fmt}.log",
    params:
        model=lambda wildcards: {key: config["models"][wildcards.model][key] for key in ("name", "license")},
        title=config["study"]["title"],
        notice=config["study"]["notice"],
        judges=list(JUDGES),
        pairs=PAIRS_FROM,
        seed=config["seed"],
        level=config["statistics"]["level"],
        resamples=config["statistics"]["resamples"],
        code=code_of("model_card"),
    script:
        "../scripts/model_card.py"


rule modelfile:
    """Write the Modelfile of a GGUF file: its chat template in Ollama's language, stop tokens, system prompt, parameters."""
    input:
        unpack(ollama_template),
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
    output:
        "results/deploy/{model}-{fmt}/Modelfile",
    log:
        "results/logs/modelfile_{model}_{fmt}.log",
    params:
        chat=CHAT,
        recipe=lambda wildcards: answering(wildcards.model, model=wildcards.model),
        code=code_of("modelfile"),
    script:
        "../scripts/modelfile.py"


rule ollama_create:
    """Make the model on an Ollama server, and check that it is asked as it was trained and answers as llama.cpp does."""
    input:
        unpack(ollama_template),
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
        parity=parity_of,
        modelfile="results/deploy/{model}-{fmt}/Modelfile",
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/deploy/{model}-{fmt}/check.json",
    log:
        "results/logs/ollama_create_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/ollama_create_{model}_{fmt}.tsv"
    resources:
        gpu=1,
    params:
        name=lambda wildcards: f"{config['ollama']['prefix']}{wildcards.model}:{wildcards.fmt}",
        chat=CHAT,
        recipe=lambda wildcards: answering(wildcards.model, model=wildcards.model),
        questions=QUESTIONS,
        ollama=OLLAMA,
        code=code_of("ollama_create"),
    script:
        "../scripts/ollama_create.py"


rule deploy:
    """Make every model with a GGUF format on the Ollama server; no part of `all`."""
    input:
        [
            f"results/deploy/{model}-{fmt}/check.json"
            for model, entry in config["models"].items()
            for fmt in entry["formats"]
            if fmt in GGUF_FORMATS
        ],
