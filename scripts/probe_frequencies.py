"""rule probe_frequencies"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.probe_frequencies import frequency_rows
    from tatara.files.jsonl import read_jsonl
    from tatara.files.probe_file import write_probe

    write_probe(
        snakemake.output[0],
        frequency_rows(read_jsonl(snakemake.input.probe_items), read_jsonl(snakemake.input.pool)),
    )
