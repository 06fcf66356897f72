"""rule quantize"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.llama.quantize import quantize

    quantize(Path(snakemake.input[0]), Path(snakemake.output[0]), snakemake.wildcards.fmt, snakemake.threads)
