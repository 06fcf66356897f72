"""rule quality"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.facts import read_facts
    from tatara.data.quality import write_quality
    from tatara.data.questions import select, with_reference
    from tatara.files.jsonl import read_jsonl

    subsets = dict(zip(snakemake.params.sizes, map(read_jsonl, snakemake.input.subsets), strict=True))
    questions = select(read_jsonl(snakemake.input.testset), snakemake.params.label)
    references = [question["reference"] for question in with_reference(questions)]
    write_quality(subsets, read_facts(snakemake.input.facts), references, Path(snakemake.output[0]))
