"""rule judge_identity"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.llm_judges import write_identity

    write_identity(snakemake.params.settings, snakemake.params.file, Path(snakemake.output[0]))
