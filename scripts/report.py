"""rule report"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.report import write_report

    others = {key: value for key, value in snakemake.params.items() if key != "code"}
    write_report(output=snakemake.output[0], **dict(snakemake.input.items()), **others)
