# Stage 2: results/adapters/{model}_selected_r{r}_s{seed}/ · results/merged/{model}/ (16 bits)


rule train_selected:
    """Train a model's adapter on the selected subset."""
    input:
        base="results/base/{model}",
        subset=selected_subset,
        general=general_pairs(config["train"]),
    output:
        adapter=[f"results/adapters/{{model}}_selected_r{{r}}_s{{seed}}/{name}" for name in ADAPTER_FILES],
        report="results/adapters/{model}_selected_r{r}_s{seed}/train.json",
    log:
        "results/logs/train_{model}_selected_r{r}_s{seed}.log",
    benchmark:
        "results/benchmarks/train_{model}_selected_r{r}_s{seed}.tsv"
    resources:
        gpu=1,
    params:
        run="{model}_selected_r{r}_s{seed}",
        settings=config["train"],
        alpha=config["stage2"]["alpha"],
        dropout=config["stage2"]["dropout"],
        chat=CHAT,
        code=code_of("train"),
    script:
        "../scripts/train.py"


rule merge:
    """Merge a model's adapter into its 16-bit base."""
    input:
        base="results/base/{model}",
        adapter=adapter(SELECTED_RUN),
    output:
        directory("results/merged/{model}"),
    log:
        "results/logs/merge_{model}.log",
    benchmark:
        "results/benchmarks/merge_{model}.tsv"
    params:
        code=code_of("merge"),
    script:
        "../scripts/merge.py"
