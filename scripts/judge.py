"""rule judge"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0]):
    from tatara.judges import judge
    from tatara.testset import evaluated

    judge(
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        answers=Path(snakemake.input.answers),
        times=Path(snakemake.input.seconds),
        output=Path(snakemake.output[0]),
    )
