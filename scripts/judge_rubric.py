"""rule judge_rubric"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.rubric import judge_rubric

    judge_rubric(
        name=snakemake.wildcards.judge,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        answers=Path(snakemake.input.answers),
        times=Path(snakemake.input.seconds),
        output=Path(snakemake.output[0]),
    )
