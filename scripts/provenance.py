"""rule provenance"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.job.digests import pipeline_commit
    from tatara.report.provenance import write_provenance

    write_provenance(
        output=Path(snakemake.output[0]),
        commit=pipeline_commit(),  # no param: another commit of the same code is no reason to write it again
        pipeline=snakemake.params.pipeline,
        config=snakemake.params.config,
        inputs=dict(zip(snakemake.params.names, snakemake.input.given, strict=True)),
        bases={Path(folder).name: Path(folder, "base.json") for folder in snakemake.input.bases},
    )
