"""rule preflight"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.models.chat_template import Conversation
    from tatara.models.preflight import preflight

    params = snakemake.params
    preflight(
        name=snakemake.wildcards.model,
        entry=params.entry,
        place=Path(params.place) if params.place else None,
        output=Path(snakemake.output[0]),
        conversation=Conversation(**params.chat),
        template=snakemake.input.get("template"),
        limit=snakemake.resources.get("gpu_memory_gib"),
        **params.settings,
    )
