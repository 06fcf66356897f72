"""rule hub_description"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake, online=True):
    from tatara.models.hub_description import describe

    describe(snakemake.params.source, Path(snakemake.output[0]), key=f"models.{snakemake.wildcards.model}.source.hub")
