"""rule qa_pairs"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph import load_graph
    from tatara.data.pairs import make_pairs
    from tatara.data.schema import read_schema
    from tatara.data.templates import read_templates
    from tatara.files.jsonl import write_jsonl

    schema = read_schema(snakemake.input.schema)
    graph = load_graph([snakemake.input.nodes], [snakemake.input.relations], schema, snakemake.input.toc)
    pairs = make_pairs(
        graph, read_templates(snakemake.input.templates, schema), snakemake.params.target_counts, snakemake.params.seed
    )
    write_jsonl(snakemake.output[0], pairs)
