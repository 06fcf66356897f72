"""rules nll_scale and nll_nf4"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.nll import nll_adapter
    from tatara.testset import evaluated

    nll_adapter(
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output[0]),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        system=snakemake.params.system,
        threads=snakemake.params.numeric_threads,
        device=snakemake.params.device,
    )
