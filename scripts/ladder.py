"""rule ladder"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.ladder import ladder
    from tatara.scratch import unfinished
    from tatara.testset import evaluated

    matrix = snakemake.input.matrix
    ladder(
        model=snakemake.wildcards.model,
        f16=Path(snakemake.input.f16),
        made={Path(file).stem.rpartition("-")[2]: Path(file) for file in snakemake.input.made},
        imatrix=Path(matrix if isinstance(matrix, str) else matrix[0]) if matrix else None,
        variants=snakemake.params.variants,
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output.ladder),
        times=Path(snakemake.output.seconds),
        partial=unfinished(f"ladder_{snakemake.wildcards.model}.jsonl"),
        system=snakemake.params.system,
        context=snakemake.params.context,
        threads=snakemake.params.numeric_threads,
    )
