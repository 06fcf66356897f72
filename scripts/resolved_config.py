"""rule resolved_config"""

import yaml
from tatara.job.run import job

with job(snakemake):
    from tatara.files.text import write_text

    write_text(
        snakemake.output[0], yaml.safe_dump(snakemake.params.config, allow_unicode=True, sort_keys=False, width=120)
    )
