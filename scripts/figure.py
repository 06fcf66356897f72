"""the rules of rules/figures.smk; a figure has the name of its rule"""

from tatara.job.run import job

with job(snakemake):
    from tatara.report.figures.registry import FIGURES
    from tatara.report.figures.style import save

    params = {key: value for key, value in snakemake.params.items() if key not in ("code", "notice")}
    figure = FIGURES[snakemake.rule](**dict(snakemake.input.items()), **params)
    save(figure, snakemake.output.png, snakemake.output.svg, snakemake.params.notice)
