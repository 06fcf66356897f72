"""the rules of rules/tables.smk; a table has the name of its file"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.report.tables.registry import TABLES, write_table

    inputs = dict(snakemake.input.items())
    paper = inputs.pop("paper", [])
    name = Path(snakemake.output.csv).stem
    write_table(
        name,
        TABLES[name].build(**inputs, **snakemake.params.arguments),
        csv=snakemake.output.csv,
        md=snakemake.output.md,
        level=snakemake.params.level,
        notice=snakemake.params.notice,
        paper=paper[0] if paper else None,
    )
