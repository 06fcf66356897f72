"""rule qa_pairs"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.graph import load_graph
    from tatara.jsonl import write_jsonl
    from tatara.pairs import make_pairs
    from tatara.schema import read_schema
    from tatara.templates import read_templates

    schema = read_schema(snakemake.input.schema)
    graph = load_graph([snakemake.input.nodes], [snakemake.input.relations], schema, snakemake.input.toc)
    pairs = make_pairs(graph, read_templates(snakemake.input.templates, schema), snakemake.params.target_counts, snakemake.params.seed)
    write_jsonl(snakemake.output[0], pairs)
