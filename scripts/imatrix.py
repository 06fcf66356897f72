"""rule imatrix"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.jsonl import read_jsonl
    from tatara.ladder import calibrate

    calibrate(
        f16=Path(snakemake.input.f16),
        base=Path(snakemake.input.base),
        rows=read_jsonl(snakemake.input.subset),
        pairs=snakemake.params.pairs,
        text=Path(snakemake.output.text),
        output=Path(snakemake.output.matrix),
        system=snakemake.params.system,
        threads=snakemake.params.numeric_threads,
    )
