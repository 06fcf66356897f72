"""rule preflight"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.models.preflight import preflight

    params = snakemake.params
    preflight(
        name=snakemake.wildcards.model,
        entry=params.entry,
        place=Path(params.place) if params.place else None,
        output=Path(snakemake.output[0]),
        limit=snakemake.resources.get("gpu_memory_gib"),
        **params.settings,
    )
