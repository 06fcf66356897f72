# In place of the graph, in a study of one's own pairs: results/graph/{nodes,relations,facts,toc}.csv, schema.yaml ·
# results/probe/items.jsonl · results/qa/qa_pairs.jsonl, left_out.csv


localrules:
    without_graph,
    own_pairs,


rule without_graph:
    """Write an empty graph, no items of a probe, and the categories and places that the test questions name."""
    input:
        resource(config["testset"]["file"]),
        *resources_of(filter(None, [config["testset"]["dev"]])),
    output:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        facts="results/graph/facts.csv",
        schema="results/graph/schema.yaml",
        toc="results/graph/toc.csv",
        probe_items="results/probe/items.jsonl",
    log:
        "results/logs/without_graph.log",
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        code=code_of("without_graph"),
    script:
        "../scripts/without_graph.py"


rule own_pairs:
    """Take in the question-answer pairs of one's own, without duplicates."""
    input:
        resources_of(config["qa"]["pairs"]),
    output:
        pairs="results/qa/qa_pairs.jsonl",
        left_out="results/qa/left_out.csv",
    log:
        "results/logs/own_pairs.log",
    benchmark:
        "results/benchmarks/own_pairs.tsv"
    priority: DATA_PRIORITY
    threads: ALL_CORES
    params:
        stratify_by=config["qa"]["stratify_by"],
        code=code_of("own_pairs"),
    script:
        "../scripts/own_pairs.py"
