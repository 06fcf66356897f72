"""rule graph"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph import write_graph
    from tatara.data.graph_csv import load_graph
    from tatara.data.left_out import LeftOut
    from tatara.data.schema import read_schema

    schema, toc, left_out = read_schema(snakemake.input.schema), snakemake.input.toc, LeftOut()
    others = {"left_out": left_out, "evidence": snakemake.params.evidence}
    if snakemake.params.neo4j:
        from tatara.data.graph_neo4j import read_graph

        graph = read_graph(**snakemake.params.neo4j, schema=schema, toc_file=toc, **others)
    else:
        files = snakemake.input.nodes, snakemake.input.relations
        graph = load_graph(*files, schema, toc, fact_files=snakemake.input.facts, **others)
    write_graph(graph, *map(Path, (snakemake.output.nodes, snakemake.output.relations, snakemake.output.facts)))
    left_out.write(snakemake.output.left_out)
