"""rule graph"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph import load_graph, write_graph
    from tatara.data.schema import read_schema

    schema, toc = read_schema(snakemake.input.schema), snakemake.input.toc
    if snakemake.params.neo4j:
        from tatara.data.graph_neo4j import read_graph

        graph = read_graph(**snakemake.params.neo4j, schema=schema, toc_file=toc)
    else:
        graph = load_graph(snakemake.input.nodes, snakemake.input.relations, schema, toc)
    write_graph(graph, Path(snakemake.output.nodes), Path(snakemake.output.relations))
