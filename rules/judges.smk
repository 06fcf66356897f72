# Who judges: results/judge/{judge}/identity.json, made before anything is trained
JUDGES = config["judge"]["judges"]
JUDGED_NAMES = EVALUATED + WITH_GRAPH_ANSWERED
# A kind of judge has rules of its own: an edit to one scores nothing again with another.
JUDGES_OF = {
    kind: names_of([name for name, entry in JUDGES.items() if entry["kind"] == kind])
    for kind in ("rubric", "llama_cpp", "ollama", "openai")
}


rule judge_llama_cpp_identity:
    """Write which file an LLM judge is, before anything is trained: without the file the build stops here."""
    input:
        files=judge_files,
    output:
        "results/judge/{judge}/identity.json",
    log:
        "results/logs/judge_{judge}_identity.log",
    wildcard_constraints:
        judge=JUDGES_OF["llama_cpp"],
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        file=lambda wildcards: judge_file(wildcards.judge),
        content=lambda wildcards: content_of(judge_files(wildcards)),
        code=code_of("judge_llama_cpp_identity"),
    script:
        "../scripts/judge_llama_cpp_identity.py"


rule judge_ollama_identity:
    """Ask which model an LLM judge is, before anything is trained: without server or model the build stops here."""
    output:
        "results/judge/{judge}/identity.json",
    log:
        "results/logs/judge_{judge}_identity.log",
    wildcard_constraints:
        judge=JUDGES_OF["ollama"],
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        settings=lambda wildcards: JUDGES[wildcards.judge],
        code=code_of("judge_ollama_identity"),
    script:
        "../scripts/judge_ollama_identity.py"


rule judge_openai_identity:
    """Ask which model an LLM judge is, before anything is trained: without server or model the build stops here."""
    output:
        "results/judge/{judge}/identity.json",
    log:
        "results/logs/judge_{judge}_identity.log",
    wildcard_constraints:
        judge=JUDGES_OF["openai"],
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        settings=lambda wildcards: JUDGES[wildcards.judge],
        code=code_of("judge_openai_identity"),
    script:
        "../scripts/judge_openai_identity.py"


rule judge_rubric_identity:
    """Count the questions that the rubric can score, before anything is trained: a judge of the tables scores all of them."""
    input:
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/judge/{judge}/identity.json",
    log:
        "results/logs/judge_{judge}_identity.log",
    wildcard_constraints:
        judge=JUDGES_OF["rubric"],
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        questions=QUESTIONS,
        first=lambda wildcards: wildcards.judge == next(iter(JUDGES)),
        code=code_of("judge_rubric_identity"),
    script:
        "../scripts/judge_rubric_identity.py"
