# Stage judge: results/judge/{judge}/{model}_{fmt}.csv · results/judge/judge_{model}_{fmt}.csv · results/judge/agreement.csv


rule judge_rubric:
    """Score answers 0 to 3 by required facts and citations."""
    input:
        answers="results/answers/{evaluated}.jsonl",
        seconds="results/answers/{evaluated}_seconds.csv",
        testset="results/testset/test_set_200.jsonl",
        identity="results/judge/{judge}/identity.json",
    output:
        "results/judge/{judge}/{evaluated}.csv",
    log:
        "results/logs/judge_{judge}_{evaluated}.log",
    wildcard_constraints:
        judge=JUDGES_OF["rubric"],
        evaluated=names_of(JUDGED_NAMES),
    params:
        questions=QUESTIONS,
        code=code_of("judge_rubric"),
    script:
        "../scripts/judge_rubric.py"


rule judge_llama_cpp:
    """Score answers 0 to 3 with a GGUF file that is held to a JSON schema."""
    input:
        answers="results/answers/{evaluated}.jsonl",
        seconds="results/answers/{evaluated}_seconds.csv",
        testset="results/testset/test_set_200.jsonl",
        prompt=lambda wildcards: resource(JUDGES[wildcards.judge]["prompt"]),
        files=judge_files,
        identity="results/judge/{judge}/identity.json",
    output:
        "results/judge/{judge}/{evaluated}.csv",
    log:
        "results/logs/judge_{judge}_{evaluated}.log",
    benchmark:
        "results/benchmarks/judge_{judge}_{evaluated}.tsv"
    wildcard_constraints:
        judge=JUDGES_OF["llama_cpp"],
        evaluated=names_of(JUDGED_NAMES),
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        settings=lambda wildcards: JUDGES[wildcards.judge],
        file=lambda wildcards: judge_file(wildcards.judge),
        content=lambda wildcards: content_of(judge_files(wildcards)),
        seed=config["seed"],
        code=code_of("judge_llama_cpp"),
    script:
        "../scripts/judge_llama_cpp.py"


rule judge_ollama:
    """Score answers 0 to 3 with a model of an Ollama server that is held to a JSON schema."""
    input:
        answers="results/answers/{evaluated}.jsonl",
        seconds="results/answers/{evaluated}_seconds.csv",
        testset="results/testset/test_set_200.jsonl",
        prompt=lambda wildcards: resource(JUDGES[wildcards.judge]["prompt"]),
        identity="results/judge/{judge}/identity.json",
    output:
        "results/judge/{judge}/{evaluated}.csv",
    log:
        "results/logs/judge_{judge}_{evaluated}.log",
    benchmark:
        "results/benchmarks/judge_{judge}_{evaluated}.tsv"
    wildcard_constraints:
        judge=JUDGES_OF["ollama"],
        evaluated=names_of(JUDGED_NAMES),
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        settings=lambda wildcards: JUDGES[wildcards.judge],
        seed=config["seed"],
        code=code_of("judge_ollama"),
    script:
        "../scripts/judge_ollama.py"


rule judge_openai:
    """Score answers 0 to 3 with a model of an OpenAI-compatible server that is held to a JSON schema."""
    input:
        answers="results/answers/{evaluated}.jsonl",
        seconds="results/answers/{evaluated}_seconds.csv",
        testset="results/testset/test_set_200.jsonl",
        prompt=lambda wildcards: resource(JUDGES[wildcards.judge]["prompt"]),
        identity="results/judge/{judge}/identity.json",
    output:
        "results/judge/{judge}/{evaluated}.csv",
    log:
        "results/logs/judge_{judge}_{evaluated}.log",
    benchmark:
        "results/benchmarks/judge_{judge}_{evaluated}.tsv"
    wildcard_constraints:
        judge=JUDGES_OF["openai"],
        evaluated=names_of(JUDGED_NAMES),
    resources:
        gpu=1,
    params:
        questions=QUESTIONS,
        settings=lambda wildcards: JUDGES[wildcards.judge],
        seed=config["seed"],
        code=code_of("judge_openai"),
    script:
        "../scripts/judge_openai.py"


rule judge:
    """Put the scores of all judges into one file; the first judge's are those of the tables."""
    input:
        expand("results/judge/{judge}/{{evaluated}}.csv", judge=JUDGES),
    output:
        "results/judge/judge_{evaluated}.csv",
    log:
        "results/logs/judge_{evaluated}.log",
    wildcard_constraints:
        evaluated=names_of(JUDGED_NAMES),
    params:
        code=code_of("judge_all"),
    script:
        "../scripts/judge_all.py"


rule agreement:
    """Measure how far judges agree with each other, and each with itself."""
    input:
        expand("results/judge/judge_{evaluated}.csv", evaluated=JUDGED_NAMES),
    output:
        "results/judge/agreement.csv",
    log:
        "results/logs/agreement.log",
    params:
        arguments={
            "seed": config["seed"],
            "level": config["statistics"]["level"],
            "resamples": config["statistics"]["resamples"],
        },
        code=code_of("agreement"),
    script:
        "../scripts/agreement.py"
