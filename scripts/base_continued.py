"""rule base_continued"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.corpus import domain_texts
    from tatara.models.base_continued import build

    given = dict(snakemake.input.items())
    source = Path(given.pop("source"))
    texts, held_out = domain_texts(**given, **snakemake.params.corpus)
    build(
        name=snakemake.wildcards.model,
        source=source,
        settings=snakemake.params.settings,
        texts=texts,
        held_out=held_out,
        folder=Path(snakemake.output[0]),
        threads=snakemake.threads,
    )
