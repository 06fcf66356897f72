"""rule data_page"""

from tatara.job.run import job

with job(snakemake):
    from tatara.report.data_page import write_data_page

    others = {key: value for key, value in snakemake.params.items() if key != "code"}
    write_data_page(output=snakemake.output[0], **dict(snakemake.input.items()), **others)
