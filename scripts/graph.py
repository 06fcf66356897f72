"""rule graph"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.graph import load_graph, write_graph
    from tatara.schema import read_schema

    graph = load_graph(snakemake.input.nodes, snakemake.input.relations, read_schema(snakemake.input.schema), snakemake.input.toc)
    write_graph(graph, Path(snakemake.output.nodes), Path(snakemake.output.relations))
