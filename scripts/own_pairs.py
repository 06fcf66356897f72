"""rule own_pairs"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.left_out import LeftOut
    from tatara.data.own_pairs import read_own_pairs
    from tatara.files.jsonl import write_jsonl

    left_out = LeftOut()
    pairs = read_own_pairs(snakemake.input, snakemake.params.stratify_by, left_out)
    write_jsonl(snakemake.output.pairs, pairs)
    left_out.write(snakemake.output.left_out)
