"""rules base_hub and source_hub"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake, online=True):
    from tatara.job.scratch_folder import unfinished
    from tatara.models.base_hub import build

    build(
        name=snakemake.wildcards.model,
        description=Path(snakemake.input.description),
        folder=Path(snakemake.output[0]),
        template=snakemake.input.get("template"),
        unfinished=unfinished(f"hub_{snakemake.wildcards.model}"),
    )
