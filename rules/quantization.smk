# Stage quantization: results/quant/{model}-imatrix.gguf · {model}.json · {model}-merge.json
# results/probe/{model}-ladder.csv · {model}-merge.csv

MERGED_FILES = [
    f"{model}_{fmt}" for model, formats in MODEL_GGUF.items() for fmt in dict.fromkeys(["f16", "q4", *formats])
]


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
        chat=CHAT,
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
        dev="results/testset/dev.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        ladder="results/quant/{model}.json",
        seconds="results/quant/{model}_seconds.csv",
        probe="results/probe/{model}-ladder.csv",
    log:
        "results/logs/ladder_{model}.log",
    benchmark:
        "results/benchmarks/ladder_{model}.tsv"
    resources:
        gpu=1,
    params:
        variants=LADDER,
        questions=QUESTIONS,
        chat=CHAT,
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
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/quant/{model}-merge.json",
        probe="results/probe/{model}-merge.csv",
    log:
        "results/logs/nll_merge_{model}.log",
    benchmark:
        "results/benchmarks/nll_merge_{model}.tsv"
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        code=code_of("nll_merge"),
    script:
        "../scripts/nll_merge.py"


rule ladder_table:
    """The quantization ladder of all models, by token."""
    input:
        ladder=expand("results/quant/{model}.json", model=MODEL_GGUF),
        times=expand("results/quant/{model}_seconds.csv", model=MODEL_GGUF),
        probe=expand("results/probe/{model}-ladder.csv", model=MODEL_GGUF),
    output:
        multiext("results/quant/ladder", csv=".csv", md=".md"),
    log:
        "results/logs/ladder_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule merge_table:
    """What merging and conversion cost: the adapter on its NF4 base beside each way to merge it."""
    input:
        adapters=expand("results/nll/{model}_nf4.json", model=MODELS),
        merges=expand("results/quant/{model}-merge.json", model=MODELS),
        files=[f"results/nll/{name}.json" for name in MERGED_FILES],
        probe=[
            *expand("results/probe/{model}_nf4.csv", model=MODELS),
            *expand("results/probe/{model}-merge.csv", model=MODELS),
            *[f"results/probe/{name}.csv" for name in MERGED_FILES],
        ],
    output:
        multiext("results/quant/merge", csv=".csv", md=".md"),
    log:
        "results/logs/merge_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"
