"""rule modelfile"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.deploy import recipe
    from tatara.files import write_text

    made = recipe(**snakemake.params.recipe, base=snakemake.input.base, file=snakemake.input.gguf, given=snakemake.input.get("template"))
    write_text(snakemake.output[0], made.modelfile(f"../../gguf/{snakemake.wildcards.model}-{snakemake.wildcards.fmt}.gguf"))
