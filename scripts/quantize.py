"""rule quantize"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads):
    from tatara.gguf import quantize

    quantize(Path(snakemake.input[0]), Path(snakemake.output[0]), snakemake.wildcards.fmt, snakemake.params.numeric_threads)
