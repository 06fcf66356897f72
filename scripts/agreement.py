"""rule agreement"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.agreement import write_agreement

    write_agreement(snakemake.input, output=snakemake.output[0], **snakemake.params.arguments)
