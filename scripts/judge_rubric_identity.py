"""rule judge_rubric_identity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.rubric import write_identity

    rows = evaluated(snakemake.input.testset, **snakemake.params.questions)
    write_identity(rows=rows, first=snakemake.params.first, output=Path(snakemake.output[0]))
