# Stage knowledge: what models know. results/tables/{taught,repetition,probe,probe_types,at_hand}.csv and .md


rule taught_table:
    """Scores, likelihoods and fact recall by what the selected training pairs teach of the questions."""
    input:
        **REQUIRED,
        judge=JUDGED,
        nll=MEASURED,
        answers=ANSWERED,
    output:
        multiext("results/tables/taught", csv=".csv", md=".md"),
    log:
        "results/logs/taught_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule repetition_table:
    """Fact recall by the number of training pairs that teach a fact: stage 1's sizes, and the models."""
    input:
        **REQUIRED,
        answers=ANSWERED,
        scale="results/scale/scale.csv",
        scale_answers=SCALE_ANSWERS,
        dev="results/testset/dev.jsonl" if SCALE_ANSWERS else [],
        coverage_dev="results/testset/coverage_dev.csv" if SCALE_ANSWERS else [],
    output:
        multiext("results/tables/repetition", csv=".csv", md=".md"),
    log:
        "results/logs/repetition_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule probe_table:
    """How much of the graph is in each model: runs of stage 1, merges, formats, and word frequencies beside them."""
    input:
        probe=dict.fromkeys(
            [
                "results/probe/frequencies.csv",
                *PROBED_UNTRAINED,
                *PROBED_RUNS,
                *expand("results/probe/{model}_nf4.csv", model=MODELS),
                *expand("results/probe/{model}-merge.csv", model=MODELS),
                *PROBED,
                *expand("results/probe/{model}-ladder.csv", model=MODEL_GGUF),
            ]
        ),
    output:
        multiext("results/tables/probe", csv=".csv", md=".md"),
    log:
        "results/logs/probe_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule probe_types:
    """The probe by relation type and kind of fact, each model untuned and tuned."""
    input:
        probe=PROBED,
    output:
        multiext("results/tables/probe_types", csv=".csv", md=".md"),
    log:
        "results/logs/probe_types.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"


rule at_hand_table:
    """The two-by-two: tuned or not, with the graph at hand or not."""
    input:
        judge=expand("results/judge/judge_{evaluated}.csv", evaluated=ALL_FOUR),
        times=expand("results/answers/{evaluated}_seconds.csv", evaluated=ALL_FOUR),
        answers=expand("results/answers/{evaluated}.jsonl", evaluated=ALL_FOUR),
        nll=expand("results/nll/{evaluated}.json", evaluated=TWO_BY_TWO),
        prompts=[AT_HAND_PROMPTS] if AT_HAND else [],
        testset="results/testset/test_set_200.jsonl",
    output:
        multiext("results/tables/at_hand", csv=".csv", md=".md"),
    log:
        "results/logs/at_hand_table.log",
    params:
        **IN_WORDS,
        arguments={"names": NAMES, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"
