"""rule coverage"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.coverage import write_coverage
    from tatara.data.facts import read_facts
    from tatara.files.jsonl import read_jsonl

    subsets = dict(zip(snakemake.params.sizes, map(read_jsonl, snakemake.input.subsets), strict=True))
    questions, facts = read_jsonl(snakemake.input.testset), read_facts(snakemake.input.facts)
    write_coverage(questions, subsets, facts, Path(snakemake.output[0]))
