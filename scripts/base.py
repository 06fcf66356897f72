"""rule base"""

from pathlib import Path

from tatara.job import job

with job(
    snakemake.log[0],
    snakemake.input,
    snakemake.output,
    threads=snakemake.params.numeric_threads,
    online="hub" in snakemake.params.source,
    gpus=snakemake.resources.gpu,
):
    from tatara.base import build, corpus_texts
    from tatara.domain_text import read_texts

    texts = read_texts(snakemake.input.nodes, snakemake.input.relations)
    build(
        name=snakemake.wildcards.model,
        source=snakemake.params.source,
        continued=snakemake.params.continued,
        texts=corpus_texts(texts, [Path(path) for path in snakemake.input.corpus], snakemake.params.min_chars),
        folder=Path(snakemake.output[0]),
        threads=snakemake.params.numeric_threads,
        device=snakemake.params.device,
    )
