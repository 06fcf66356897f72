"""rule general_pairs"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.general import load_general
    from tatara.files.jsonl import write_jsonl

    write_jsonl(snakemake.output[0], load_general(snakemake.input[0]))
