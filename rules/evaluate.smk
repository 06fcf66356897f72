# Stage evaluate: results/answers/{model}_{fmt}.jsonl, {model}_{fmt}_seconds.csv · results/nll/{model}_{fmt}.json
# results/probe/{model}_{fmt}.csv
BATCHES = BATCH | {"timed": config["evaluate"]["timed_questions"]}


rule answers_gguf:
    """Answer the questions with a GGUF file through llama.cpp."""
    input:
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
        parity=parity_of,
        testset="results/testset/test_set_200.jsonl",
    output:
        answers="results/answers/{model}_{fmt}.jsonl",
        seconds="results/answers/{model}_{fmt}_seconds.csv",
    log:
        "results/logs/answers_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/answers_{model}_{fmt}.tsv"
    wildcard_constraints:
        model=names_of(MODEL_GGUF),
        fmt=names_of(BY_LLAMA_CPP),
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        chat=CHAT,
        arguments=lambda wildcards: answering(wildcards.model, **BATCHES),
        code=code_of("answers_gguf"),
    script:
        "../scripts/answers_gguf.py"


rule answers_ollama:
    """Answer the questions with the model as it is deployed on an Ollama server."""
    input:
        base="results/base/{model}",
        deployed="results/deploy/{model}-{fmt}/check.json",
        testset="results/testset/test_set_200.jsonl",
    output:
        answers="results/answers/{model}_{fmt}.jsonl",
        seconds="results/answers/{model}_{fmt}_seconds.csv",
    log:
        "results/logs/answers_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/answers_{model}_{fmt}.tsv"
    wildcard_constraints:
        model=names_of(MODEL_GGUF),
        fmt=names_of(BY_OLLAMA),
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        chat=CHAT,
        arguments=lambda wildcards: answering(wildcards.model, **OLLAMA),
        code=code_of("answers_ollama"),
    script:
        "../scripts/answers_ollama.py"


rule answers_nf4:
    """Answer the questions with the NF4 base and its adapter through transformers."""
    input:
        base="results/base/{model}",
        adapter=adapter(SELECTED_RUN),
        testset="results/testset/test_set_200.jsonl",
    output:
        answers="results/answers/{model}_nf4.jsonl",
        seconds="results/answers/{model}_nf4_seconds.csv",
    log:
        "results/logs/answers_{model}_nf4.log",
    benchmark:
        "results/benchmarks/answers_{model}_nf4.tsv"
    # The slowest engine on a CPU begins first, so that nothing waits for it at the end.
    priority: 10
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        arguments=lambda wildcards: answering(wildcards.model, **BATCHES),
        code=code_of("answers_nf4"),
    script:
        "../scripts/answers_nf4.py"


rule nll_gguf:
    """Measure the negative log-likelihood of the reference answers, and the probe, under a GGUF file."""
    input:
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
        parity=parity_of,
        testset="results/testset/test_set_200.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/nll/{model}_{fmt}.json",
        probe="results/probe/{model}_{fmt}.csv",
    log:
        "results/logs/nll_{model}_{fmt}.log",
    benchmark:
        "results/benchmarks/nll_{model}_{fmt}.tsv"
    wildcard_constraints:
        model=names_of(MODEL_GGUF),
        fmt="|".join(GGUF_FORMATS),
    resources:
        gpu=1,
    params:
        name="{model}_{fmt}",
        questions=QUESTIONS,
        chat=CHAT,
        context=config["evaluate"]["context"],
        code=code_of("nll_gguf"),
    script:
        "../scripts/nll_gguf.py"


rule nll_nf4:
    """Measure the negative log-likelihood of the reference answers, and the probe, under the NF4 base and its adapter."""
    input:
        base="results/base/{model}",
        adapter=adapter(SELECTED_RUN),
        testset="results/testset/test_set_200.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/nll/{model}_nf4.json",
        probe="results/probe/{model}_nf4.csv",
    log:
        "results/logs/nll_{model}_nf4.log",
    benchmark:
        "results/benchmarks/nll_{model}_nf4.tsv"
    resources:
        gpu=1,
    params:
        name="{model}_nf4",
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        code=code_of("nll_adapter"),
    script:
        "../scripts/nll_adapter.py"
