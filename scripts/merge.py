"""rule merge"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.train.merge import merge

    merge(
        Path(snakemake.input.base),
        Path(snakemake.input.adapter[0]).parent,
        Path(snakemake.output[0]),
        snakemake.threads,
    )
