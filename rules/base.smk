# Stage base: results/base/{model}/ from the hub, from this disk, or from scratch


rule base:
    """Fetch, dequantize or build a base model."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        corpus=corpus_files(),
    output:
        directory("results/base/{model}"),
    log:
        "results/logs/base_{model}.log",
    benchmark:
        "results/benchmarks/base_{model}.tsv"
    resources:
        gpu=1,
    params:
        source=lambda wildcards: config["models"][wildcards.model]["source"],
        continued=lambda wildcards: config["models"][wildcards.model]["continued"],
        min_chars=config["corpus"]["min_chars"],
        held_out=config["corpus"]["held_out"],
        code=code_of("base"),
    script:
        "../scripts/base.py"
