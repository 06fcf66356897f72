# The graph, and what is made of it alone: results/graph/{nodes,relations,facts,left_out}.csv, loaded.json · results/probe/items.jsonl ·
# results/qa/qa_pairs.jsonl, left_out.csv


rule graph:
    """Read and check the knowledge graph, and write it in one canonical form."""
    input:
        nodes=[] if FROM_NEO4J else resources_of(config["graph"]["nodes"]),
        relations=[] if FROM_NEO4J else resources_of(config["graph"]["relations"]),
        facts=[] if FROM_NEO4J else resources_of(config["graph"]["facts"]),
        schema=SCHEMA,
        toc=TOC,
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


rule probe_items:
    """Make the items of the probe: four balanced options for relations and facts."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema=SCHEMA,
        toc=TOC,
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


rule load_graph:
    """Load the graph's CSV files into Neo4j; no part of `all`."""
    input:
        nodes=resources_of(config["graph"]["nodes"]),
        relations=resources_of(config["graph"]["relations"]),
        facts=resources_of(config["graph"]["facts"]),
        schema=SCHEMA,
        toc=TOC,
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


rule qa_pairs:
    """Make question-answer pairs from the graph by the templates, and add the user's own, without duplicates."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema=SCHEMA,
        toc=TOC,
        templates=resources_of(config["qa"]["templates"]),
        own=resources_of(config["qa"]["pairs"]),
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
        **{key: config["qa"][key] for key in ("answer_chars", "ask_for_all") if config["qa"][key]},
        target_counts=config["qa"]["target_counts"],
        held_out=config["probe"]["held_out"],
        stratify_by=config["qa"]["stratify_by"],
        seed=config["seed"],
        code=code_of("qa_pairs"),
    script:
        "../scripts/qa_pairs.py"
