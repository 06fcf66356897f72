"""rule judge"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.judge_file import combine

    combine([Path(part) for part in snakemake.input], Path(snakemake.output[0]))
