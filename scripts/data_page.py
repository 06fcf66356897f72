"""rule data_page"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.report.data_page import write_data_page

    others = {key: value for key, value in snakemake.params.items() if key != "code"}
    write_data_page(output=snakemake.output[0], **dict(snakemake.input.items()), **others)
