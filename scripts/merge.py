"""rule merge"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads):
    from tatara.merge import merge

    merge(Path(snakemake.input.base), Path(snakemake.input.adapter[0]).parent, Path(snakemake.output[0]), snakemake.params.numeric_threads)
