# Stage data: results/graph/{nodes,relations,left_out}.csv, loaded.json · results/qa/{qa_pairs,qa_augmented,pool}.jsonl,
# left_out.csv, augmented.csv, diversity.csv · results/subsets/subset_merged_{n}.jsonl, quality.csv · results/testset/{test_set_200.jsonl,overlap.json}


rule graph:
    """Read and check the knowledge graph, and write it in one canonical form."""
    input:
        nodes=[] if FROM_NEO4J else resources_of(config["graph"]["nodes"]),
        relations=[] if FROM_NEO4J else resources_of(config["graph"]["relations"]),
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
    output:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        left_out="results/graph/left_out.csv",
    log:
        "results/logs/graph.log",
    benchmark:
        "results/benchmarks/graph.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        neo4j=config["graph"]["neo4j"] if FROM_NEO4J else None,
        code=code_of("graph"),
    script:
        "../scripts/graph.py"


rule load_graph:
    """Load the graph's CSV files into Neo4j; no part of `all`."""
    input:
        nodes=resources_of(config["graph"]["nodes"]),
        relations=resources_of(config["graph"]["relations"]),
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
    output:
        "results/graph/loaded.json",
    log:
        "results/logs/load_graph.log",
    benchmark:
        "results/benchmarks/load_graph.tsv"
    params:
        neo4j=config["graph"]["neo4j"],
        code=code_of("load_graph"),
    script:
        "../scripts/load_graph.py"


rule qa_pairs:
    """Make question-answer pairs from the graph by the templates, without duplicates."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
        templates=resources_of(config["qa"]["templates"]),
    output:
        pairs="results/qa/qa_pairs.jsonl",
        left_out="results/qa/left_out.csv",
    log:
        "results/logs/qa_pairs.log",
    benchmark:
        "results/benchmarks/qa_pairs.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        target_counts=config["qa"]["target_counts"],
        seed=config["seed"],
        code=code_of("qa_pairs"),
    script:
        "../scripts/qa_pairs.py"


rule qa_augmented:
    """Rephrase the pairs by a language model, and keep what still holds every name, citation and number."""
    input:
        pairs="results/qa/qa_pairs.jsonl",
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
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
    """Undersample relation types."""
    input:
        "results/qa/qa_pairs.jsonl",
        *(["results/qa/qa_augmented.jsonl"] if AUGMENT else []),
    output:
        "results/qa/pool.jsonl",
    log:
        "results/logs/pool.log",
    benchmark:
        "results/benchmarks/pool.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        retain=config["rebalance"]["retain"],
        target_share=config["rebalance"]["target_share"],
        seed=config["seed"],
        code=code_of("pool"),
    script:
        "../scripts/pool.py"


rule subsets:
    """Cut the nested, stratified training subsets."""
    input:
        "results/qa/pool.jsonl",
    output:
        subsets=expand(
            "results/subsets/subset_merged_{n}.jsonl",
            n=sorted(config["subsets"]["sizes"]),
        ),
        quality="results/subsets/quality.csv",
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


rule testset:
    """Check the test set, and that no question of it stands in the pool."""
    input:
        testset=resource(config["testset"]["file"]),
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
        pool="results/qa/pool.jsonl",
    output:
        testset="results/testset/test_set_200.jsonl",
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
