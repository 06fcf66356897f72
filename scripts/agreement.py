"""rule agreement"""

from tatara.job.run import job

with job(snakemake):
    from tatara.measure.agreement import write_agreement

    write_agreement(snakemake.input, output=snakemake.output[0], **snakemake.params.arguments)
