"""rule qa_pairs"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_graph
    from tatara.data.held_out import without_held_out
    from tatara.data.left_out import LeftOut
    from tatara.data.pairs import make_pairs
    from tatara.data.schema import read_schema
    from tatara.data.templates import read_templates
    from tatara.files.jsonl import write_jsonl

    schema, left_out = read_schema(snakemake.input.schema), LeftOut()
    graph = load_graph(
        [snakemake.input.nodes],
        [snakemake.input.relations],
        schema,
        snakemake.input.toc,
        fact_files=[snakemake.input.facts],
    )
    graph = without_held_out(graph, snakemake.params.held_out, snakemake.params.seed, left_out)
    templates = read_templates(snakemake.input.templates, schema)
    pairs = make_pairs(graph, templates, snakemake.params.target_counts, snakemake.params.seed, left_out)
    write_jsonl(snakemake.output.pairs, pairs)
    left_out.write(snakemake.output.left_out)
