"""rule testset"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.overlap import overlap
    from tatara.data.questions import select
    from tatara.data.schema import read_schema
    from tatara.data.testset import load_testset
    from tatara.data.toc import read_toc
    from tatara.files.jsonl import read_numbered, write_jsonl
    from tatara.files.text import write_json

    rows = load_testset(snakemake.input.testset, read_schema(snakemake.input.schema), read_toc(snakemake.input.toc))
    pool = (pair for _, pair in read_numbered(snakemake.input.pool))
    result = overlap(select(rows, snakemake.params.label), pool, snakemake.params.threshold)
    write_jsonl(snakemake.output.testset, rows)
    write_json(snakemake.output.overlap, result | {"label": snakemake.params.label})
