"""rule subsets"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.subsets import KEYS, nested_subsets
    from tatara.files.jsonl import read_fields, read_numbered, write_jsonl

    chosen = nested_subsets(read_fields(snakemake.input[0], KEYS), snakemake.params.sizes, snakemake.params.seed)
    wanted = {pair["id"] for pair in chosen[max(chosen)]}
    whole = {pair["id"]: pair for _, pair in read_numbered(snakemake.input[0]) if pair["id"] in wanted}
    for n, path in zip(snakemake.params.sizes, snakemake.output.subsets, strict=True):
        write_jsonl(path, [whole[pair["id"]] for pair in chosen[n]])
