"""rule scale"""

import json
import shutil

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.files import write_text
    from tatara.scale import scale_rows, select, write_scale

    rows = scale_rows(snakemake.input.train, snakemake.input.nll, snakemake.params.seed, snakemake.params.level, resamples=snakemake.params.resamples)
    selected = select(rows, snakemake.input.nll, snakemake.params.rule)
    write_scale(rows, snakemake.output.scale)
    write_text(snakemake.output.selected, json.dumps(selected, ensure_ascii=False, indent=1) + "\n")
    (chosen,) = [path for path in snakemake.input.subsets if path.endswith(f"_{selected['n']}.jsonl")]
    shutil.copyfile(chosen, snakemake.output.subset)
