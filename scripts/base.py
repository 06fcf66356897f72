"""rule base"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake, online="hub" in snakemake.params.source):
    from tatara.data.graph_text import read_texts
    from tatara.models.base import build, corpus_texts, hold_out

    corpus = corpus_texts([Path(path) for path in snakemake.input.corpus], snakemake.params.min_chars)
    corpus, held_out = hold_out(corpus, snakemake.params.held_out)
    build(
        name=snakemake.wildcards.model,
        source=snakemake.params.source,
        continued=snakemake.params.continued,
        texts=read_texts(snakemake.input.nodes, snakemake.input.relations) + corpus,
        held_out=held_out,
        folder=Path(snakemake.output[0]),
        threads=snakemake.threads,
    )
