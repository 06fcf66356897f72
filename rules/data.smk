# Stage data: results/graph/{nodes,relations,facts,left_out}.csv, loaded.json
# results/testset/{test_set_200.jsonl,dev.jsonl,overlap.json,coverage.csv} · results/subsets/quality.csv · results/probe/{items.jsonl,frequencies.csv}
SUBSETS = expand("results/subsets/subset_merged_{n}.jsonl", n=sorted(config["subsets"]["sizes"]))


rule graph:
    """Read and check the knowledge graph, and write it in one canonical form."""
    input:
        nodes=[] if FROM_NEO4J else resources_of(config["graph"]["nodes"]),
        relations=[] if FROM_NEO4J else resources_of(config["graph"]["relations"]),
        facts=[] if FROM_NEO4J else resources_of(config["graph"]["facts"]),
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
    output:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        left_out="results/graph/left_out.csv",
    log:
        "results/logs/graph.log",
    benchmark:
        "results/benchmarks/graph.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        neo4j=config["graph"]["neo4j"] if FROM_NEO4J else None,
        evidence=config["graph"]["evidence"],
        code=code_of("graph"),
    script:
        "../scripts/graph.py"


rule load_graph:
    """Load the graph's CSV files into Neo4j; no part of `all`."""
    input:
        nodes=resources_of(config["graph"]["nodes"]),
        relations=resources_of(config["graph"]["relations"]),
        facts=resources_of(config["graph"]["facts"]),
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
        evidence=config["graph"]["evidence"],
        code=code_of("load_graph"),
    script:
        "../scripts/load_graph.py"


rule testset:
    """Check the test and the development set, and that no question of them stands in the pool, or in both."""
    input:
        testset=resource(config["testset"]["file"]),
        dev=resources_of(filter(None, [config["testset"]["dev"]])),
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
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


rule probe_items:
    """Make the items of the probe: four balanced options for relations and facts."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
        questions=resource(config["probe"]["questions"]),
    output:
        "results/probe/items.jsonl",
    log:
        "results/logs/probe_items.log",
    benchmark:
        "results/benchmarks/probe_items.tsv"
    params:
        most=config["probe"]["items"],
        share=config["probe"]["held_out"],
        seed=config["seed"],
        code=code_of("probe_items"),
    script:
        "../scripts/probe_items.py"


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
