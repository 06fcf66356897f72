# Stage 1: results/adapters/{run}/ with train.json · results/nll/{run}.json · results/probe/{run}.csv · results/scale/{scale.csv,selected.json} ·
# results/scale/answers/{run}.jsonl (rule recall) · results/subsets/subset_selected.jsonl; run = {model}_n{n}_r{r}_s{seed}

BATCH = {"batch_size": config["evaluate"]["batch_size"]}
BY_RECALL = config["stage1"]["rule"] == "recall"
SCALE_ANSWERS = expand("results/scale/answers/{run}.jsonl", run=SCALE_RUNS if BY_RECALL else [])


rule train_scale:
    """Train an adapter on one subset."""
    input:
        base="results/base/{model}",
        subset="results/subsets/subset_merged_{n}.jsonl",
        general=general_pairs(config["train"]),
    output:
        adapter=[f"results/adapters/{{model}}_n{{n}}_r{{r}}_s{{seed}}/{name}" for name in ADAPTER_FILES],
        report="results/adapters/{model}_n{n}_r{r}_s{seed}/train.json",
    log:
        "results/logs/train_{model}_n{n}_r{r}_s{seed}.log",
    benchmark:
        "results/benchmarks/train_{model}_n{n}_r{r}_s{seed}.tsv"
    resources:
        gpu=1,
    params:
        run="{model}_n{n}_r{r}_s{seed}",
        settings=config["train"],
        alpha=config["stage1"]["alpha"],
        dropout=config["stage1"]["dropout"],
        chat=CHAT,
        code=code_of("train"),
    script:
        "../scripts/train.py"


rule nll_scale:
    """Measure the negative log-likelihood of the reference answers, question by question, and the probe."""
    input:
        base="results/base/{model}",
        adapter=adapter("{model}_n{n}_r{r}_s{seed}"),
        testset="results/testset/test_set_200.jsonl",
        dev="results/testset/dev.jsonl",
        probe_items="results/probe/items.jsonl",
    output:
        nll="results/nll/{model}_n{n}_r{r}_s{seed}.json",
        probe="results/probe/{model}_n{n}_r{r}_s{seed}.csv",
    log:
        "results/logs/nll_{model}_n{n}_r{r}_s{seed}.log",
    benchmark:
        "results/benchmarks/nll_{model}_n{n}_r{r}_s{seed}.tsv"
    resources:
        gpu=1,
    params:
        name="{model}_n{n}_r{r}_s{seed}",
        questions=QUESTIONS,
        chat=CHAT,
        precision=PRECISION,
        code=code_of("nll_adapter"),
    script:
        "../scripts/nll_adapter.py"


rule answers_scale:
    """Answer the development questions with the adapter of a size."""
    input:
        base="results/base/{model}",
        adapter=adapter("{model}_n{n}_r{r}_s{seed}"),
        testset="results/testset/dev.jsonl",
    output:
        answers="results/scale/answers/{model}_n{n}_r{r}_s{seed}.jsonl",
        seconds="results/scale/answers/{model}_n{n}_r{r}_s{seed}_seconds.csv",
    log:
        "results/logs/answers_{model}_n{n}_r{r}_s{seed}.log",
    benchmark:
        "results/benchmarks/answers_{model}_n{n}_r{r}_s{seed}.tsv"
    resources:
        gpu=1,
    params:
        questions=QUESTIONS | {"label": "all"},
        chat=CHAT,
        precision=PRECISION,
        arguments=lambda wildcards: answering(wildcards.model, **BATCH, timed=0),
        code=code_of("answers_nf4"),
    script:
        "../scripts/answers_nf4.py"


checkpoint scale:
    """Compare the sizes and select one; what follows goes by the size, so that the same choice made again retrains nothing."""
    input:
        train=expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
        nll=expand("results/nll/{run}.json", run=SCALE_RUNS),
        subsets=expand(
            "results/subsets/subset_merged_{n}.jsonl",
            n=sorted(config["subsets"]["sizes"]),
        ),
        answers=SCALE_ANSWERS,
        dev="results/testset/dev.jsonl" if SCALE_ANSWERS else [],
    output:
        scale="results/scale/scale.csv",
        selected="results/scale/selected.json",
        subset="results/subsets/subset_selected.jsonl",
    log:
        "results/logs/scale.log",
    params:
        rule=config["stage1"]["rule"],
        seed=config["seed"],
        level=config["statistics"]["level"],
        resamples=config["statistics"]["resamples"],
        code=code_of("scale"),
    script:
        "../scripts/scale.py"
