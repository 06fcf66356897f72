"""rule qa_augmented"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.augment import augment
    from tatara.data.graph_csv import load_exported
    from tatara.data.questions import select
    from tatara.data.testset import load_testset
    from tatara.llm import ollama, openai

    settings, of_ollama = dict(snakemake.params.settings), snakemake.params.ollama
    named = settings.pop("server")
    if named:
        server = openai.Server(named["url"], named["timeout"], named["key_env"])
    else:
        server = ollama.Server(of_ollama["url"], of_ollama["timeout"])
    graph = load_exported(dict(snakemake.input.items()))
    augment(
        pairs=Path(snakemake.input.pairs),
        graph=graph,
        testset=select(load_testset(snakemake.input.testset, graph.schema, graph.toc), snakemake.params.label),
        threshold=snakemake.params.threshold,
        prompt=Path(snakemake.input.prompt),
        server=server,
        settings=settings,
        parallel=(named or of_ollama)["parallel"],
        seed=snakemake.params.seed,
        output=Path(snakemake.output.pairs),
        counts=Path(snakemake.output.counts),
        finished=Path("results/checkpoints/augment.jsonl"),
    )
