"""rule without_gguf"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.parity import without_gguf

    without_gguf(model=snakemake.wildcards.model, merged=Path(snakemake.input[0]), output=Path(snakemake.output[0]))
