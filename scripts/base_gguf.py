"""rules base_gguf and source_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_text import read_texts
    from tatara.models.base_gguf import build

    source, package = snakemake.params.source, snakemake.input.get("package")
    build(
        name=snakemake.wildcards.model,
        source=source,
        file=Path(package, source["file"]) if package else Path(snakemake.input.files[0]),
        texts=read_texts(snakemake.input.nodes, snakemake.input.relations, snakemake.input.get("pairs")),
        folder=Path(snakemake.output[0]),
        template=snakemake.input.get("template"),
    )
