"""rule without_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.parity import without_gguf

    without_gguf(
        model=snakemake.wildcards.model,
        merged=Path(snakemake.input[0]),
        output=Path(snakemake.output[0]),
        byte_fallback=snakemake.params.byte_fallback,
    )
