"""rule scale"""

import shutil

from tatara.job.run import job

with job(snakemake):
    from tatara.files.text import write_json
    from tatara.measure.selection import scale_rows, select, write_scale

    rows = scale_rows(
        snakemake.input.train,
        snakemake.input.nll,
        snakemake.params.seed,
        snakemake.params.level,
        resamples=snakemake.params.resamples,
    )
    selected = select(rows, snakemake.input.nll, snakemake.params.rule)
    write_scale(rows, snakemake.output.scale)
    write_json(snakemake.output.selected, selected)
    (chosen,) = [path for path in snakemake.input.subsets if path.endswith(f"_{selected['n']}.jsonl")]
    shutil.copyfile(chosen, snakemake.output.subset)
