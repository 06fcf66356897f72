"""the rules of rules/tables.smk; a rule has the name of its function"""

from tatara.job import job

with job(snakemake.log[0]):
    from tatara import table_text, tables

    frame = getattr(tables, snakemake.rule)(**dict(snakemake.input.items()), **snakemake.params.arguments)
    number = int(snakemake.rule.removeprefix("table"))
    table_text.write_table(
        number, frame, csv=snakemake.output.csv, md=snakemake.output.md, level=snakemake.params.level, notice=snakemake.params.notice
    )
