# Stage tables: results/tables/table{1..6}.csv and .md
JUDGED = expand("results/judge/judge_{evaluated}.csv", evaluated=EVALUATED)
TIMED = expand("results/answers/{evaluated}_seconds.csv", evaluated=EVALUATED)
MEASURED = expand("results/nll/{evaluated}.json", evaluated=EVALUATED)
PROBED = expand("results/probe/{evaluated}.csv", evaluated=EVALUATED)
PROBED_RUNS = expand("results/probe/{run}.csv", run=SCALE_RUNS)
UNTRAINED_NAME = f"{config['stage1']['model']}_n0"
UNTRAINED = [f"results/nll/{UNTRAINED_NAME}.json"] if config["evaluate"]["untuned"] else []
PROBED_UNTRAINED = [f"results/probe/{UNTRAINED_NAME}.csv"] if UNTRAINED else []
ANSWERED_UNTRAINED = [f"results/scale/answers/{UNTRAINED_NAME}.jsonl"] if UNTRAINED and SCALE_ANSWERS else []
ALL_FOUR = TWO_BY_TWO + WITH_GRAPH_ANSWERED
ANSWERED = expand("results/answers/{evaluated}.jsonl", evaluated=EVALUATED)
# what the questions require, and what the training pairs hold of it
REQUIRED = {
    "testset": "results/testset/test_set_200.jsonl",
    "coverage": "results/testset/coverage.csv",
    "selected": "results/scale/selected.json",
}
BOUNDS = {key: config["quantization"][key] for key in ("max_delta_nll", "min_top1")}


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
        probe=PROBED_RUNS + PROBED_UNTRAINED,
        coverage="results/testset/coverage.csv",
        untuned=UNTRAINED,
        answers=SCALE_ANSWERS + ANSWERED_UNTRAINED,
        dev="results/testset/dev.jsonl" if SCALE_ANSWERS else [],
        coverage_dev="results/testset/coverage_dev.csv" if SCALE_ANSWERS else [],
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
        **REQUIRED,
        paper=paper("table3"),
        judge=JUDGED,
        nll=MEASURED,
        probe=PROBED,
        answers=ANSWERED,
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
        **REQUIRED,
        paper=paper("table5"),
        judge=JUDGED,
        times=TIMED,
        nll=MEASURED,
        probe=PROBED,
        answers=ANSWERED,
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
