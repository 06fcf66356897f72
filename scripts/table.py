"""the rules that write tables; a rule has the name of its function"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.report import paper, quant_tables, table_text, tables

    given = dict(snakemake.input.items())
    printed = given.pop("paper", None)
    module = next(module for module in (tables, quant_tables) if hasattr(module, snakemake.rule))
    frame = getattr(module, snakemake.rule)(**given, **snakemake.params.arguments)
    name = Path(snakemake.output.csv).stem
    table_text.write_table(
        name,
        frame,
        csv=snakemake.output.csv,
        md=snakemake.output.md,
        level=snakemake.params.level,
        notice=snakemake.params.notice,
        paper=paper.shown(name, printed[0]) if printed else None,
    )
