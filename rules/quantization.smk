# Stage quantization: results/quant/{model}-imatrix.gguf · {model}.json · {model}-merge.json · ladder.csv · merge.csv


rule imatrix:
    """Measure with llama-imatrix which weights the training pairs use most."""
    input:
        base="results/base/{model}",
        f16="results/gguf/{model}-f16.gguf",
        subset=selected_subset,
    output:
        matrix="results/quant/{model}-imatrix.gguf",
        text="results/quant/{model}-imatrix.txt",
    log:
        "results/logs/imatrix_{model}.log",
    benchmark:
        "results/benchmarks/imatrix_{model}.tsv"
    resources:
        gpu=1,
    params:
        pairs=config["quantization"]["imatrix_pairs"],
        system=SYSTEM,
        code=code_of("imatrix"),
    script:
        "../scripts/imatrix.py"


rule ladder:
    """Measure by token what each format, with and without an importance matrix, does to a model."""
    input:
        base="results/base/{model}",
        f16="results/gguf/{model}-f16.gguf",
        made=lambda wildcards: [
            f"results/gguf/{wildcards.model}-{fmt}.gguf"
            for fmt in MODEL_GGUF[wildcards.model]
            if fmt in config["quantization"]["ladder"]
        ],
        matrix=(["results/quant/{model}-imatrix.gguf"] if config["quantization"]["imatrix"] else []),
        parity="results/gguf/{model}-parity.json",
        testset="results/testset/test_set_200.jsonl",
    output:
        ladder="results/quant/{model}.json",
        seconds="results/quant/{model}_seconds.csv",
    log:
        "results/logs/ladder_{model}.log",
    benchmark:
        "results/benchmarks/ladder_{model}.tsv"
    resources:
        gpu=1,
    params:
        variants=LADDER,
        questions=QUESTIONS,
        system=SYSTEM,
        context=config["evaluate"]["context"],
        code=code_of("ladder"),
    script:
        "../scripts/ladder.py"


rule nll_merge:
    """Measure the likelihood of the test set under the merge into the 16-bit base and under that into the dequantized base."""
    input:
        base="results/base/{model}",
        adapter=adapter(SELECTED_RUN),
        merged="results/merged/{model}",
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/quant/{model}-merge.json",
    log:
        "results/logs/nll_merge_{model}.log",
    benchmark:
        "results/benchmarks/nll_merge_{model}.tsv"
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        system=SYSTEM,
        code=code_of("nll_merge"),
    script:
        "../scripts/nll_merge.py"


rule ladder_table:
    """The quantization ladder of all models, by token."""
    input:
        ladder=expand("results/quant/{model}.json", model=MODEL_GGUF),
        times=expand("results/quant/{model}_seconds.csv", model=MODEL_GGUF),
    output:
        csv="results/quant/ladder.csv",
        md="results/quant/ladder.md",
    log:
        "results/logs/ladder_table.log",
    params:
        arguments={"names": NAMES, **BOOTSTRAP},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule merge_table:
    """What merging and conversion cost: the adapter on its NF4 base beside each way to merge it."""
    input:
        adapters=expand("results/nll/{model}_nf4.json", model=MODELS),
        merges=expand("results/quant/{model}-merge.json", model=MODELS),
        files=[
            f"results/nll/{model}_{fmt}.json"
            for model in MODEL_GGUF
            for fmt in dict.fromkeys(["f16", "q4", *MODEL_GGUF[model]])
        ],
    output:
        csv="results/quant/merge.csv",
        md="results/quant/merge.md",
    log:
        "results/logs/merge_table.log",
    params:
        arguments={"names": NAMES, **BOOTSTRAP},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table6:
    """Which quantization to ship for which model, by the rule in the config over measured intervals."""
    input:
        paper=paper("table6"),
        ladder="results/quant/ladder.csv",
        table5="results/tables/table5.csv",
        parity=expand("results/gguf/{model}-parity.json", model=MODELS),
    output:
        csv="results/tables/table6.csv",
        md="results/tables/table6.md",
    log:
        "results/logs/table6.log",
    params:
        arguments={
            "names": NAMES,
            "max_delta_nll": config["quantization"]["max_delta_nll"],
            "min_top1": config["quantization"]["min_top1"],
        },
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("table"),
    script:
        "../scripts/table.py"
