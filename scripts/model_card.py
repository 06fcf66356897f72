"""rule model_card"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.report.cards import write_card

    inputs = dict(snakemake.input.items())
    params = {key: value for key, value in snakemake.params.items() if key != "code"}
    write_card(
        output=snakemake.output[0],
        fmt=snakemake.wildcards.fmt,
        **{**inputs, "base": Path(inputs["base"], "base.json")},
        **params,
    )
