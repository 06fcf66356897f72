# Stage qa: results/qa/{qa_augmented,pool}.jsonl, augmented.csv, diversity.csv ·
# results/subsets/subset_merged_{n}.jsonl · with testset.near: leave_out also results/qa/near.csv
LEAVES_OUT = config["testset"]["near"] == "leave_out"


rule qa_augmented:
    """Rephrase the pairs by a language model, and keep what still holds every name, citation and number."""
    input:
        pairs="results/qa/qa_pairs.jsonl",
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema=SCHEMA,
        toc=TOC,
        testset=resource(config["testset"]["file"]),
        prompt=resource(AUGMENT["prompt"]) if AUGMENT else [],
    output:
        pairs="results/qa/qa_augmented.jsonl",
        counts="results/qa/augmented.csv",
    log:
        "results/logs/qa_augmented.log",
    benchmark:
        "results/benchmarks/qa_augmented.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    resources:
        gpu=1,
    params:
        settings=AUGMENT,
        ollama=OLLAMA,
        label=config["testset"]["label"],
        threshold=config["testset"]["threshold"],
        seed=config["seed"],
        code=code_of("augment"),
    script:
        "../scripts/augment.py"


rule pool:
    """Undersample relation types, and leave out what is too near to a test question, where the study says so."""
    input:
        **({"testset": resource(config["testset"]["file"]), "schema": SCHEMA, "toc": TOC} if LEAVES_OUT else {}),
        dev=resources_of(filter(None, [config["testset"]["dev"]])) if LEAVES_OUT else [],
        pairs=["results/qa/qa_pairs.jsonl", *(["results/qa/qa_augmented.jsonl"] if AUGMENT else [])],
    output:
        **({"near": "results/qa/near.csv"} if LEAVES_OUT else {}),
        pool="results/qa/pool.jsonl",
    log:
        "results/logs/pool.log",
    benchmark:
        "results/benchmarks/pool.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        **({key: config["testset"][key] for key in ("label", "threshold")} if LEAVES_OUT else {}),
        retain=config["rebalance"]["retain"],
        target_share=config["rebalance"]["target_share"],
        seed=config["seed"],
        code=code_of("pool"),
    script:
        "../scripts/pool.py"


rule general_pairs:
    """Check the pairs about everything but the domain that are mixed into training."""
    input:
        *([resource(config["train"]["general_pairs"])] if config["train"]["general_pairs"] else []),
    output:
        "results/qa/general.jsonl",
    log:
        "results/logs/general_pairs.log",
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        code=code_of("general_pairs"),
    script:
        "../scripts/general_pairs.py"


rule subsets:
    """Cut the nested, stratified training subsets."""
    input:
        "results/qa/pool.jsonl",
    output:
        subsets=expand(
            "results/subsets/subset_merged_{n}.jsonl",
            n=sorted(config["subsets"]["sizes"]),
        ),
    log:
        "results/logs/subsets.log",
    benchmark:
        "results/benchmarks/subsets.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        sizes=sorted(config["subsets"]["sizes"]),
        seed=config["seed"],
        code=code_of("subsets"),
    script:
        "../scripts/subsets.py"


rule diversity:
    """Measure how varied the pairs of each template generation are."""
    input:
        "results/qa/qa_pairs.jsonl",
    output:
        "results/qa/diversity.csv",
    log:
        "results/logs/diversity.log",
    benchmark:
        "results/benchmarks/diversity.tsv"
    params:
        sample=config["qa"]["diversity_sample"],
        seed=config["seed"],
        code=code_of("diversity"),
    script:
        "../scripts/diversity.py"
