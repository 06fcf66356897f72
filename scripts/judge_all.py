"""rule judge"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.judge_file import combine

    combine([Path(file) for file in snakemake.input], Path(snakemake.output[0]))
