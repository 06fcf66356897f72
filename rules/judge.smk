# Stage judge: results/judge/judge_{model}_{fmt}.csv


rule judge:
    """Score answers 0 to 3 with the rubric."""
    input:
        answers="results/answers/{model}_{fmt}.jsonl",
        seconds="results/answers/{model}_{fmt}_seconds.csv",
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/judge/judge_{model}_{fmt}.csv",
    log:
        "results/logs/judge_{model}_{fmt}.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        questions=QUESTIONS,
        code=code_digest("tatara.judges"),
    script:
        "../scripts/judge.py"
