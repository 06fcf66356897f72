"""rule pool"""

from tatara.job import job

with job(snakemake.log[0]):
    from tatara.jsonl import read_jsonl, write_jsonl
    from tatara.subsets import rebalance

    pairs = read_jsonl(snakemake.input[0])
    write_jsonl(snakemake.output[0], rebalance(pairs, snakemake.params.retain, snakemake.params.target_share, snakemake.params.seed))
