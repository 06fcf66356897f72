"""the rules of rules/figures.smk; a rule has the name of its function"""

from tatara.job.run import job

with job(snakemake):
    from tatara.report.figures import compare, data, domain, pipeline, quantization, questions, scale

    modules = (compare, data, domain, pipeline, quantization, questions, scale)
    draw = next(getattr(module, snakemake.rule) for module in modules if hasattr(module, snakemake.rule))
    others = {key: value for key, value in snakemake.params.items() if key != "code"}
    draw(**dict(snakemake.input.items()), **dict(snakemake.output.items()), **others)
