"""rule judge_identity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.llm_judges import write_identity

    write_identity(snakemake.params.settings, snakemake.params.file, Path(snakemake.output[0]))
