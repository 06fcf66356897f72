"""rule load_graph"""

import json

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.errors import InputError
    from tatara.files import write_text
    from tatara.graph import load_graph
    from tatara.graph_neo4j import connect
    from tatara.schema import read_schema

    if not snakemake.input.get("nodes") or not snakemake.input.get("relations"):
        raise InputError("config keys graph.nodes and graph.relations name no CSV files to load into Neo4j")
    graph = load_graph(snakemake.input.nodes, snakemake.input.relations, read_schema(snakemake.input.schema), snakemake.input.toc)
    with connect(**snakemake.params.neo4j) as database:
        counts = database.load(graph)
    write_text(snakemake.output[0], json.dumps(dict(snakemake.params.neo4j) | counts, indent=1) + "\n")
