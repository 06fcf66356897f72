"""rule pool"""

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.jsonl import read_fields, read_numbered, write_jsonl
    from tatara.subsets import KEYS, rebalance

    pairs = [pair for file in snakemake.input for pair in read_fields(file, KEYS)]
    kept = {pair["id"] for pair in rebalance(pairs, snakemake.params.retain, snakemake.params.target_share, snakemake.params.seed)}
    write_jsonl(snakemake.output[0], (pair for file in snakemake.input for _, pair in read_numbered(file) if pair["id"] in kept))
