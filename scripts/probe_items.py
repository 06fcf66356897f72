"""rule probe_items"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_graph
    from tatara.data.probe import make_items, read_questions
    from tatara.data.schema import read_schema
    from tatara.files.jsonl import write_jsonl

    graph = load_graph(
        [snakemake.input.nodes],
        [snakemake.input.relations],
        read_schema(snakemake.input.schema),
        snakemake.input.toc,
        fact_files=[snakemake.input.facts],
    )
    choice = {key: snakemake.params[key] for key in ("most", "share", "seed")}
    write_jsonl(snakemake.output[0], make_items(graph, read_questions(snakemake.input.questions), **choice))
