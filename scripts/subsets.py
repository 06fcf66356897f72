"""rule subsets"""

from tatara.job import job

with job(snakemake.log[0]):
    from tatara.jsonl import read_jsonl, write_jsonl
    from tatara.subsets import nested_subsets, write_quality

    subsets = nested_subsets(read_jsonl(snakemake.input[0]), snakemake.params.sizes, snakemake.params.seed)
    for n, path in zip(snakemake.params.sizes, snakemake.output.subsets, strict=True):
        write_jsonl(path, subsets[n])
    write_quality(subsets, snakemake.output.quality)
