"""rule report"""

from tatara.job.run import job

with job(snakemake):
    from tatara.report.report import write_report

    others = {key: value for key, value in snakemake.params.items() if key != "code"}
    write_report(output=snakemake.output[0], **dict(snakemake.input.items()), **others)
