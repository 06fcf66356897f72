# Stage base: results/base/{model}/ from the hub, from this disk, or from scratch. Each kind of source has its own rule, so that only
# what reads the graph's text is made again when a description is edited. A model with
# `continued` is made in results/source/{model}/ first


rule base_hub:
    """Fetch the weights of a hub model."""
    input:
        unpack(chat_template),
        passed=passed,
        description="results/hub/{model}",
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    wildcard_constraints:
        model=models_of("hub", continued=False),
    params:
        code=code_of("base_hub"),
    script:
        "../scripts/base_hub.py"


use rule base_hub as source_hub with:
    output:
        directory("results/source/{model}"),
    log:
        "results/logs/source_{model}.log",
    benchmark:
        "results/benchmarks/source_{model}.tsv"
    wildcard_constraints:
        model=models_of("hub", continued=True),


rule base_folder:
    """Take a model folder of this disk; its files stay as they are."""
    input:
        unpack(path_files),
        unpack(chat_template),
        passed=passed,
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    wildcard_constraints:
        model=models_of("folder", continued=False),
    params:
        source=path_source,
        content=path_content,
        code=code_of("base_folder"),
    script:
        "../scripts/base_folder.py"


use rule base_folder as source_folder with:
    output:
        directory("results/source/{model}"),
    log:
        "results/logs/source_{model}.log",
    benchmark:
        "results/benchmarks/source_{model}.tsv"
    wildcard_constraints:
        model=models_of("folder", continued=True),


rule base_gguf:
    """Dequantize a GGUF file; its tokenizer is checked on the graph's text."""
    input:
        unpack(path_files),
        unpack(chat_template),
        passed=passed,
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        pairs=PAIRS_AS_TEXT,
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    wildcard_constraints:
        model=models_of("gguf", continued=False),
    params:
        source=path_source,
        content=path_content,
        code=code_of("base_gguf"),
    script:
        "../scripts/base_gguf.py"


use rule base_gguf as source_gguf with:
    output:
        directory("results/source/{model}"),
    log:
        "results/logs/source_{model}.log",
    benchmark:
        "results/benchmarks/source_{model}.tsv"
    wildcard_constraints:
        model=models_of("gguf", continued=True),


rule base_scratch:
    """Build a base model and pretrain it on the domain's text."""
    input:
        passed=passed,
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        pairs=PAIRS_AS_TEXT,
        corpus=corpus_files(),
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    wildcard_constraints:
        model=models_of("scratch"),
    resources:
        gpu=1,
    params:
        source=lambda wildcards: config["models"][wildcards.model]["source"]["scratch"],
        corpus=CORPUS,
        code=code_of("base_scratch"),
    script:
        "../scripts/base_scratch.py"


rule base_continued:
    """Go on pretraining a hub or path model on the domain's text."""
    input:
        source="results/source/{model}",
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        pairs=PAIRS_AS_TEXT,
        corpus=corpus_files(),
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    wildcard_constraints:
        model=models_of(continued=True),
    resources:
        gpu=1,
    params:
        settings=lambda wildcards: config["models"][wildcards.model]["continued"],
        corpus=CORPUS,
        code=code_of("base_continued"),
    script:
        "../scripts/base_continued.py"
