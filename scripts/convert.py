"""rule convert"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.llama.convert import convert

    convert(Path(snakemake.input[0]), Path(snakemake.output[0]), byte_fallback=snakemake.params.byte_fallback)
