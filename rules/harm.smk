# Stage harm, where the domain names its sets (config key harm): results/harm/{neutral,questions}.jsonl, refusals.json,
# {model}_{fmt}.json · results/tables/harm.csv, harm.md
BEFORE = [f"{model}_base" for model in MODELS]
AFTER = [f"{model}_{most_bits(entry['formats'])}" for model, entry in config["models"].items()]


localrules:
    harm_sets,
    harm_refusals,
    harm_table,


rule harm_sets:
    """Check the neutral sentences and the questions that a model should not go along with."""
    input:
        neutral=resource(HARM["neutral"]),
        false_premise=resource(HARM["false_premise"]),
        outside=resource(HARM["outside"]),
        toc=TOC,
    output:
        neutral="results/harm/neutral.jsonl",
        questions="results/harm/questions.jsonl",
    log:
        "results/logs/harm_sets.log",
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        code=code_of("harm_sets"),
    script:
        "../scripts/harm_sets.py"


rule harm_refusals:
    """Check the wordings of refusals; a rule of its own, since nothing is answered again where one of them changes."""
    input:
        resource(HARM["refusals"]),
    output:
        "results/harm/refusals.json",
    log:
        "results/logs/harm_refusals.log",
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        code=code_of("harm_refusals"),
    script:
        "../scripts/harm_refusals.py"


rule harm_gguf:
    """Measure neutral sentences and ask the questions with a GGUF file; the format `base` is the untuned model."""
    input:
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
        parity=lambda wildcards: ([] if wildcards.fmt == "base" else f"results/gguf/{wildcards.model}-parity.json"),
        neutral="results/harm/neutral.jsonl",
        questions="results/harm/questions.jsonl",
    output:
        "results/harm/{model}_{fmt}.json",
    log:
        "results/logs/harm_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/harm_{model}_{fmt}.tsv"
    wildcard_constraints:
        model=names_of(MODEL_GGUF),
        fmt=names_of(["base", *GGUF_FORMATS]),
    resources:
        gpu=1,
    params:
        chat=CHAT,
        arguments=lambda wildcards: answering(wildcards.model, **BATCH),
        code=code_of("harm_gguf"),
    script:
        "../scripts/harm_gguf.py"


rule harm_adapter:
    """The same for a model without GGUF, by transformers: with its adapter, or as `base` without."""
    input:
        base="results/base/{model}",
        adapter=lambda wildcards: (
            [] if wildcards.fmt == "base" else expand(adapter(SELECTED_RUN), model=wildcards.model)
        ),
        neutral="results/harm/neutral.jsonl",
        questions="results/harm/questions.jsonl",
    output:
        "results/harm/{model}_{fmt}.json",
    log:
        "results/logs/harm_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/harm_{model}_{fmt}.tsv"
    wildcard_constraints:
        model=names_of(model for model in MODELS if model not in MODEL_GGUF),
        fmt="base|nf4",
    resources:
        gpu=1,
    params:
        chat=CHAT,
        precision=PRECISION,
        arguments=lambda wildcards: answering(wildcards.model, **BATCH),
        code=code_of("harm_adapter"),
    script:
        "../scripts/harm_adapter.py"


rule harm_table:
    """What training does to the rest of a model: neutral text, false premises, questions outside, places that exist."""
    input:
        before=expand("results/harm/{evaluated}.json", evaluated=BEFORE),
        after=expand("results/harm/{evaluated}.json", evaluated=AFTER),
        answers=expand("results/answers/{evaluated}.jsonl", evaluated=BEFORE + AFTER),
        questions="results/harm/questions.jsonl",
        refusals="results/harm/refusals.json",
        toc=TOC if GRAPH else [],
    output:
        multiext("results/tables/harm", csv=".csv", md=".md"),
    log:
        "results/logs/harm_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"
