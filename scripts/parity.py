"""rule parity"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.domain_text import read_descriptions
    from tatara.parity import parity
    from tatara.testset import evaluated

    parity(
        model=snakemake.wildcards.model,
        merged=Path(snakemake.input.merged),
        files={fmt: Path(path) for fmt, path in zip(snakemake.params.formats, snakemake.input.gguf, strict=True)},
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        descriptions=read_descriptions(snakemake.input.nodes),
        output=Path(snakemake.output[0]),
        system=snakemake.params.system,
        settings=snakemake.params.settings,
        context=snakemake.params.context,
        threads=snakemake.params.numeric_threads,
        device=snakemake.params.device,
    )
