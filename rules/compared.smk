# Stage compared: what training is compared with. results/nll/{model}_n0.json, {model}_base.json · results/probe/{model}_n0.csv, {model}_base.csv
# results/scale/answers/{model}_n0.jsonl · results/answers/{model}_base.jsonl ·
# results/testset/at_hand.jsonl · results/answers/{model}_{fmt}_graph.jsonl
WITHOUT_GGUF = names_of([model for model in MODELS if model not in MODEL_GGUF])
AT_HAND_PROMPTS = "results/testset/at_hand.jsonl"


use rule nll_scale as nll_scale_base with:
    input:
        base="results/base/{model}",
        testset="results/testset/test_set_200.jsonl",
        dev="results/testset/dev.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/nll/{model}_n0.json",
        probe="results/probe/{model}_n0.csv",
    log:
        "results/logs/nll_{model}_n0.log",
    benchmark:
        "results/benchmarks/nll_{model}_n0.tsv"
    params:
        name="{model}_n0",
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        code=code_of("nll_adapter"),


use rule answers_scale as answers_scale_base with:
    input:
        base="results/base/{model}",
        testset="results/testset/dev.jsonl",
    output:
        answers="results/scale/answers/{model}_n0.jsonl",
        seconds="results/scale/answers/{model}_n0_seconds.csv",
    log:
        "results/logs/answers_{model}_n0.log",
    benchmark:
        "results/benchmarks/answers_{model}_n0.tsv"


use rule nll_nf4 as nll_base with:
    input:
        base="results/base/{model}",
        testset="results/testset/test_set_200.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/nll/{model}_base.json",
        probe="results/probe/{model}_base.csv",
    log:
        "results/logs/nll_{model}_base.log",
    benchmark:
        "results/benchmarks/nll_{model}_base.tsv"
    wildcard_constraints:
        model=WITHOUT_GGUF,
    params:
        name="{model}_base",
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        code=code_of("nll_adapter"),


use rule answers_nf4 as answers_base with:
    input:
        base="results/base/{model}",
        testset="results/testset/test_set_200.jsonl",
    output:
        answers="results/answers/{model}_base.jsonl",
        seconds="results/answers/{model}_base_seconds.csv",
    log:
        "results/logs/answers_{model}_base.log",
    benchmark:
        "results/benchmarks/answers_{model}_base.tsv"
    wildcard_constraints:
        model=WITHOUT_GGUF,


rule at_hand:
    """Find the facts and relations nearest to each question, and write the prompts that hold them."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema=SCHEMA,
        toc=TOC,
        testset="results/testset/test_set_200.jsonl",
        prompt=resource(config["graph_at_hand"]["prompt"]),
    output:
        AT_HAND_PROMPTS,
    log:
        "results/logs/at_hand.log",
    benchmark:
        "results/benchmarks/at_hand.tsv"
    params:
        questions=QUESTIONS,
        lines=config["graph_at_hand"]["lines"],
        code=code_of("at_hand"),
    script:
        "../scripts/at_hand.py"


use rule answers_gguf as answers_gguf_graph with:
    input:
        base="results/base/{model}",
        gguf="results/gguf/{model}-{fmt}.gguf",
        parity=parity_of,
        testset="results/testset/test_set_200.jsonl",
        at_hand=AT_HAND_PROMPTS,
    output:
        answers="results/answers/{model}_{fmt}_graph.jsonl",
        seconds="results/answers/{model}_{fmt}_graph_seconds.csv",
    log:
        "results/logs/answers_{model}_{fmt}_graph.log",
    benchmark:
        "results/benchmarks/answers_{model}_{fmt}_graph.tsv"


use rule answers_ollama as answers_ollama_graph with:
    input:
        base="results/base/{model}",
        deployed="results/deploy/{model}-{fmt}/check.json",
        testset="results/testset/test_set_200.jsonl",
        at_hand=AT_HAND_PROMPTS,
    output:
        answers="results/answers/{model}_{fmt}_graph.jsonl",
        seconds="results/answers/{model}_{fmt}_graph_seconds.csv",
    log:
        "results/logs/answers_{model}_{fmt}_graph.log",
    benchmark:
        "results/benchmarks/answers_{model}_{fmt}_graph.tsv"


use rule answers_nf4 as answers_nf4_graph with:
    input:
        base="results/base/{model}",
        adapter=adapter(SELECTED_RUN),
        testset="results/testset/test_set_200.jsonl",
        at_hand=AT_HAND_PROMPTS,
    output:
        answers="results/answers/{model}_nf4_graph.jsonl",
        seconds="results/answers/{model}_nf4_graph_seconds.csv",
    log:
        "results/logs/answers_{model}_nf4_graph.log",
    benchmark:
        "results/benchmarks/answers_{model}_nf4_graph.tsv"


use rule answers_base as answers_base_graph with:
    input:
        base="results/base/{model}",
        testset="results/testset/test_set_200.jsonl",
        at_hand=AT_HAND_PROMPTS,
    output:
        answers="results/answers/{model}_base_graph.jsonl",
        seconds="results/answers/{model}_base_graph_seconds.csv",
    log:
        "results/logs/answers_{model}_base_graph.log",
    benchmark:
        "results/benchmarks/answers_{model}_base_graph.tsv"
