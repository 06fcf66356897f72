# The paper's tables 1 to 5: results/tables/table{1..5}.csv and .md
JUDGED = expand("results/judge/judge_{evaluated}.csv", evaluated=EVALUATED)
TIMED = expand("results/answers/{evaluated}_seconds.csv", evaluated=EVALUATED)
MEASURED = expand("results/nll/{evaluated}.json", evaluated=EVALUATED)
NAMES = {model: entry["name"] for model, entry in config["models"].items()}
BOOTSTRAP = {
    "seed": config["seed"],
    "level": config["statistics"]["level"],
    "resamples": config["statistics"]["resamples"],
}


rule table1:
    """Final and mean training loss, and the time it took, by size."""
    input:
        paper=paper("table1"),
        train=expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
    output:
        csv="results/tables/table1.csv",
        md="results/tables/table1.md",
    log:
        "results/logs/table1.log",
    params:
        arguments={},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
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
        csv="results/tables/table2.csv",
        md="results/tables/table2.md",
    log:
        "results/logs/table2.log",
    params:
        arguments=BOOTSTRAP,
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
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
        csv="results/tables/table3.csv",
        md="results/tables/table3.md",
    log:
        "results/logs/table3.log",
    params:
        arguments={"names": NAMES, **BOOTSTRAP},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule table4:
    """How often each score was given."""
    input:
        paper=paper("table4"),
        judge=JUDGED,
    output:
        csv="results/tables/table4.csv",
        md="results/tables/table4.md",
    log:
        "results/logs/table4.log",
    params:
        arguments={"names": NAMES},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
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
        csv="results/tables/table5.csv",
        md="results/tables/table5.md",
    log:
        "results/logs/table5.log",
    params:
        arguments={"names": NAMES, **BOOTSTRAP},
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("table"),
    script:
        "../scripts/table.py"
