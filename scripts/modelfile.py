"""rule modelfile"""

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.deploy import recipe
    from tatara.files.text import write_text

    made = recipe(
        **snakemake.params.recipe,
        base=snakemake.input.base,
        file=snakemake.input.gguf,
        given=snakemake.input.get("template"),
    )
    write_text(
        snakemake.output[0], made.modelfile(f"../../gguf/{snakemake.wildcards.model}-{snakemake.wildcards.fmt}.gguf")
    )
