"""rule without_graph"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.without_graph import write_without_graph

    write_without_graph(snakemake.input, **{key: Path(path) for key, path in snakemake.output.items()})
