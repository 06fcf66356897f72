"""rule resolved_config"""

import yaml
from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.files import write_text

    write_text(snakemake.output[0], yaml.safe_dump(snakemake.params.config, allow_unicode=True, sort_keys=False, width=120))
