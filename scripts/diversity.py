"""rule diversity"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.diversity import write_diversity
    from tatara.jsonl import read_jsonl

    write_diversity(read_jsonl(snakemake.input[0]), snakemake.params.sample, snakemake.params.seed, snakemake.output[0])
