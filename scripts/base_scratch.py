"""rule base_scratch"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.corpus import domain_texts
    from tatara.models.base_scratch import build

    given = snakemake.input
    settings = snakemake.params.corpus | {"pairs": given.get("pairs")}
    texts, held_out = domain_texts(given.nodes, given.relations, given.corpus, **settings)
    build(
        name=snakemake.wildcards.model,
        source=snakemake.params.source,
        texts=texts,
        held_out=held_out,
        folder=Path(snakemake.output[0]),
        threads=snakemake.threads,
    )
