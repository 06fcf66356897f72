"""rule scale"""

import shutil

from tatara.job.run import job

with job(snakemake):
    from tatara.files.text import write_json
    from tatara.measure.selection import scale_rows, select, write_scale
    from tatara.measure.stats import Resampling

    params = snakemake.params
    resampling = Resampling(params.seed, params.resamples, params.level)
    rows = scale_rows(snakemake.input.train, snakemake.input.nll, resampling)
    selected = select(rows, snakemake.input.nll, params.rule)
    write_scale(rows, snakemake.output.scale)
    write_json(snakemake.output.selected, selected)
    (chosen,) = [path for path in snakemake.input.subsets if path.endswith(f"_{selected['n']}.jsonl")]
    shutil.copyfile(chosen, snakemake.output.subset)
