# Stage data: results/testset/{test_set_200.jsonl,dev.jsonl,overlap.json,coverage.csv,coverage_dev.csv} · results/subsets/quality.csv ·
# results/probe/frequencies.csv
SUBSETS = expand("results/subsets/subset_merged_{n}.jsonl", n=sorted(config["subsets"]["sizes"]))


rule testset:
    """Check the test and the development set, and that no question of them stands in the pool, or in both."""
    input:
        testset=resource(config["testset"]["file"]),
        dev=resources_of(filter(None, [config["testset"]["dev"]])),
        schema=SCHEMA,
        toc=TOC,
        pool="results/qa/pool.jsonl",
    output:
        testset="results/testset/test_set_200.jsonl",
        dev="results/testset/dev.jsonl",
        overlap="results/testset/overlap.json",
    log:
        "results/logs/testset.log",
    benchmark:
        "results/benchmarks/testset.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        label=config["testset"]["label"],
        threshold=config["testset"]["threshold"],
        code=code_of("testset"),
    script:
        "../scripts/testset.py"


rule probe_frequencies:
    """Answer the probe by word frequencies alone: the option that stands most often in the pool's answers."""
    input:
        probe_items="results/probe/items.jsonl",
        pool="results/qa/pool.jsonl",
    output:
        "results/probe/frequencies.csv",
    log:
        "results/logs/probe_frequencies.log",
    benchmark:
        "results/benchmarks/probe_frequencies.tsv"
    params:
        code=code_of("probe_frequencies"),
    script:
        "../scripts/probe_frequencies.py"


rule quality:
    """Describe the subsets: shares, lengths, repetition, facts and how often each is met, register."""
    input:
        subsets=SUBSETS,
        facts="results/graph/facts.csv",
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/subsets/quality.csv",
    log:
        "results/logs/quality.log",
    benchmark:
        "results/benchmarks/quality.tsv"
    params:
        sizes=sorted(config["subsets"]["sizes"]),
        label=config["testset"]["label"],
        code=code_of("quality"),
    script:
        "../scripts/quality.py"


rule coverage:
    """Look up which facts that the test questions require stand in the training answers."""
    input:
        subsets=SUBSETS,
        facts="results/graph/facts.csv",
        testset="results/testset/test_set_200.jsonl",
    output:
        "results/testset/coverage.csv",
    log:
        "results/logs/coverage.log",
    benchmark:
        "results/benchmarks/coverage.tsv"
    params:
        sizes=sorted(config["subsets"]["sizes"]),
        code=code_of("coverage"),
    script:
        "../scripts/coverage.py"


use rule coverage as coverage_dev with:
    input:
        subsets=SUBSETS,
        facts="results/graph/facts.csv",
        testset="results/testset/dev.jsonl",
    output:
        "results/testset/coverage_dev.csv",
    log:
        "results/logs/coverage_dev.log",
    benchmark:
        "results/benchmarks/coverage_dev.tsv"
