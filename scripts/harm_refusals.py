"""rule harm_refusals"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.harm import load_refusals
    from tatara.files.text import write_json

    write_json(snakemake.output[0], load_refusals(snakemake.input[0]))
