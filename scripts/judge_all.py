"""rule judge"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.judges import combine

    combine([Path(part) for part in snakemake.input], Path(snakemake.output[0]))
