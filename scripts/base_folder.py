"""rules base_folder and source_folder"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.models.base_folder import build

    source, package = snakemake.params.source, snakemake.input.get("package")
    build(
        name=snakemake.wildcards.model,
        source=source,
        place=Path(package, source["file"]) if package else Path(snakemake.input.files[0]).parent,
        folder=Path(snakemake.output[0]),
        template=snakemake.input.get("template"),
    )
