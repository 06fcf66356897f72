# Stage 3: results/gguf/{model}-{fmt}.gguf, {model}-base.gguf · results/gguf/{model}-parity.json


rule convert:
    """Convert a merged model to GGUF F16 with llama.cpp's converter."""
    input:
        "results/merged/{model}",
    output:
        "results/gguf/{model}-f16.gguf",
    log:
        "results/logs/convert_{model}.log",
    benchmark:
        "results/benchmarks/convert_{model}.tsv"
    params:
        byte_fallback=config["parity"]["byte_fallback"],
        code=code_of("convert"),
    script:
        "../scripts/convert.py"


use rule convert as convert_base with:
    input:
        "results/base/{model}",
    output:
        "results/gguf/{model}-base.gguf",
    log:
        "results/logs/convert_base_{model}.log",
    benchmark:
        "results/benchmarks/convert_base_{model}.tsv"
    wildcard_constraints:
        model=names_of(MODEL_GGUF),


rule quantize:
    """Quantize a GGUF file with llama.cpp's llama-quantize."""
    input:
        "results/gguf/{model}-f16.gguf",
    output:
        "results/gguf/{model}-{fmt}.gguf",
    log:
        "results/logs/quantize_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/quantize_{model}_{fmt}.tsv"
    wildcard_constraints:
        fmt="q[0-9]",
    params:
        code=code_of("quantize"),
    script:
        "../scripts/quantize.py"


rule parity:
    """Compare a model's GGUF files with the transformers model; what is not the same model stops here."""
    input:
        merged="results/merged/{model}",
        gguf=lambda wildcards: [f"results/gguf/{wildcards.model}-{fmt}.gguf" for fmt in MODEL_GGUF[wildcards.model]],
        testset="results/testset/test_set_200.jsonl",
        nodes="results/graph/nodes.csv",
        pairs="results/qa/pool.jsonl",
    output:
        "results/gguf/{model}-parity.json",
    log:
        "results/logs/parity_{model}.log",
    benchmark:
        "results/benchmarks/parity_{model}.tsv"
    wildcard_constraints:
        model="|".join(map(re.escape, MODEL_GGUF)) or "(?!)",
    resources:
        gpu=1,
    params:
        formats=lambda wildcards: MODEL_GGUF[wildcards.model],
        questions=QUESTIONS,
        settings=config["parity"],
        chat=CHAT,
        context=config["evaluate"]["context"],
        code=code_of("parity"),
    script:
        "../scripts/parity.py"


rule without_gguf:
    """Say why a model has no GGUF file: what the converter makes of its tokenizer."""
    input:
        "results/merged/{model}",
    output:
        "results/gguf/{model}-parity.json",
    log:
        "results/logs/without_gguf_{model}.log",
    wildcard_constraints:
        model="|".join(re.escape(model) for model in MODELS if model not in MODEL_GGUF) or "(?!)",
    params:
        byte_fallback=config["parity"]["byte_fallback"],
        code=code_of("without_gguf"),
    script:
        "../scripts/without_gguf.py"
