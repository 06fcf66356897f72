"""rule preflight_passed"""

from tatara.job.run import job

with job(snakemake):
    from tatara.files.text import write_json

    write_json(snakemake.output[0], snakemake.params.note)
