"""rule ollama_create"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, threads=snakemake.params.numeric_threads, gpus=snakemake.resources.gpu):
    from tatara.deploy import deploy, recipe
    from tatara.ollama_api import Server
    from tatara.testset import evaluated

    base, file = Path(snakemake.input.base), Path(snakemake.input.gguf)
    deploy(
        name=snakemake.params.name,
        recipe=recipe(**snakemake.params.recipe, base=base, file=file, given=snakemake.input.get("template")),
        file=file,
        base=base,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        server=Server(snakemake.params.ollama["url"], snakemake.params.ollama["timeout"]),
        output=Path(snakemake.output[0]),
        threads=snakemake.params.numeric_threads,
    )
