"""rule load_graph"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_graph
    from tatara.data.graph_neo4j import load
    from tatara.data.neo4j_connection import connect
    from tatara.data.schema import read_schema
    from tatara.files.text import write_json
    from tatara.job.errors import InputError

    if not snakemake.input.get("nodes"):
        raise InputError("config keys graph.nodes and graph.relations name no CSV files to load into Neo4j")
    graph = load_graph(
        snakemake.input.nodes,
        snakemake.input.relations,
        read_schema(snakemake.input.schema),
        snakemake.input.toc,
        fact_files=snakemake.input.facts,
        evidence=snakemake.params.evidence,
    )
    with connect(**snakemake.params.neo4j) as connection:
        counts = load(connection, graph)
    write_json(snakemake.output[0], dict(snakemake.params.neo4j) | counts)
