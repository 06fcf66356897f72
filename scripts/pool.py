"""rule pool"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.subsets import KEYS, rebalance
    from tatara.files.jsonl import read_fields, read_numbered, write_jsonl

    pairs = [pair for file in snakemake.input for pair in read_fields(file, (*KEYS, "facts"))]
    kept = {
        pair["id"]
        for pair in rebalance(pairs, snakemake.params.retain, snakemake.params.target_share, snakemake.params.seed)
    }
    write_jsonl(
        snakemake.output[0], (pair for file in snakemake.input for _, pair in read_numbered(file) if pair["id"] in kept)
    )
