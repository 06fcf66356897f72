# Stage tables: results/tables/table{1..6}.csv and .md · results/quant/ladder.csv, merge.csv and their .md
JUDGED = expand("results/judge/judge_{evaluated}.csv", evaluated=EVALUATED)
TIMED = expand("results/answers/{evaluated}_seconds.csv", evaluated=EVALUATED)
MEASURED = expand("results/nll/{evaluated}.json", evaluated=EVALUATED)
NAMES = {model: entry["name"] for model, entry in config["models"].items()}
BOOTSTRAP = {"seed": config["seed"], **config["statistics"]}
BOUNDS = {key: config["quantization"][key] for key in ("max_delta_nll", "min_top1")}
IN_WORDS = {"level": BOOTSTRAP["level"], "notice": config["study"]["notice"]}


rule table1:
    """Final and mean training loss, and the time it took, by size."""
    input:
        paper=paper("table1"),
        train=expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
    output:
        multiext("results/tables/table1", csv=".csv", md=".md"),
    log:
        "results/logs/table1.log",
    params:
        **IN_WORDS,
        arguments={},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table2:
    """Likelihood of the test set by size, and whether a size differs from the one before."""
    input:
        paper=paper("table2"),
        scale="results/scale/scale.csv",
        nll=expand("results/nll/{run}.json", run=SCALE_RUNS),
    output:
        multiext("results/tables/table2", csv=".csv", md=".md"),
    log:
        "results/logs/table2.log",
    params:
        **IN_WORDS,
        arguments=BOOTSTRAP,
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table3:
    """The models beside each other, each at its full precision."""
    input:
        paper=paper("table3"),
        judge=JUDGED,
        nll=MEASURED,
    output:
        multiext("results/tables/table3", csv=".csv", md=".md"),
    log:
        "results/logs/table3.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table4:
    """How often each score was given."""
    input:
        paper=paper("table4"),
        judge=JUDGED,
    output:
        multiext("results/tables/table4", csv=".csv", md=".md"),
    log:
        "results/logs/table4.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table5:
    """Each quantized file beside the F16 file it was made from."""
    input:
        paper=paper("table5"),
        judge=JUDGED,
        times=TIMED,
        nll=MEASURED,
        parity=expand("results/gguf/{model}-parity.json", model=MODELS),
    output:
        multiext("results/tables/table5", csv=".csv", md=".md"),
    log:
        "results/logs/table5.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
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
        multiext("results/tables/table6", csv=".csv", md=".md"),
    log:
        "results/logs/table6.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOUNDS},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule ladder_table:
    """The quantization ladder of all models, by token."""
    input:
        ladder=expand("results/quant/{model}.json", model=MODEL_GGUF),
        times=expand("results/quant/{model}_seconds.csv", model=MODEL_GGUF),
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
        files=[
            f"results/nll/{model}_{fmt}.json"
            for model in MODEL_GGUF
            for fmt in dict.fromkeys(["f16", "q4", *MODEL_GGUF[model]])
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
