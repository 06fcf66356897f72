"""rule scale"""

import shutil

from tatara.job.run import job

with job(snakemake):
    from tatara.files.text import write_json
    from tatara.measure.recall_by_size import RULE, select_by_recall
    from tatara.measure.selection import select
    from tatara.measure.sizes import scale_rows, write_scale
    from tatara.measure.stats import Resampling

    params, given = snakemake.params, snakemake.input
    resampling = Resampling(params.seed, params.resamples, params.level)
    rows = scale_rows(given.train, given.nll, resampling)
    if params.rule == RULE:
        selected = select_by_recall(rows, given.nll, given.answers, given.dev)
    else:
        selected = select(rows, given.nll, params.rule)
    write_scale(rows, snakemake.output.scale)
    write_json(snakemake.output.selected, selected)
    (chosen,) = [path for path in given.subsets if path.endswith(f"_{selected['n']}.jsonl")]
    shutil.copyfile(chosen, snakemake.output.subset)
