"""rule nll_gguf"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.nll import nll_gguf
    from tatara.testset import evaluated

    nll_gguf(
        file=Path(snakemake.input.gguf),
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output[0]),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        system=snakemake.params.system,
        context=snakemake.params.context,
        threads=snakemake.params.numeric_threads,
    )
