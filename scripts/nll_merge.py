"""rule nll_merge"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.merge import nll_merge
    from tatara.testset import evaluated

    nll_merge(
        model=snakemake.wildcards.model,
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
        merged=Path(snakemake.input.merged),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output[0]),
        system=snakemake.params.system,
        threads=snakemake.params.numeric_threads,
        device=snakemake.params.device,
    )
