"""rule convert"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.gguf import convert

    convert(Path(snakemake.input[0]), Path(snakemake.output[0]))
