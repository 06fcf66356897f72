"""rule qa_augmented"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, gpus=snakemake.resources.gpu):
    from tatara.augment import augment
    from tatara.graph import load_graph
    from tatara.ollama_api import Server
    from tatara.schema import read_schema
    from tatara.testset import load_testset, select

    schema = read_schema(snakemake.input.schema)
    graph = load_graph([snakemake.input.nodes], [snakemake.input.relations], schema, snakemake.input.toc)
    augment(
        pairs=Path(snakemake.input.pairs),
        graph=graph,
        testset=select(load_testset(snakemake.input.testset, schema, graph.toc), snakemake.params.label),
        threshold=snakemake.params.threshold,
        prompt=Path(snakemake.input.prompt),
        server=Server(snakemake.params.ollama["url"], snakemake.params.ollama["timeout"]),
        settings=snakemake.params.settings,
        parallel=snakemake.params.ollama["parallel"],
        seed=snakemake.params.seed,
        output=Path(snakemake.output.pairs),
        counts=Path(snakemake.output.counts),
        partial=Path("results/checkpoints/augment.jsonl"),
    )
