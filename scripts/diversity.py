"""rule diversity"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.diversity import write_diversity
    from tatara.files.jsonl import read_jsonl

    write_diversity(read_jsonl(snakemake.input[0]), snakemake.params.sample, snakemake.params.seed, snakemake.output[0])
