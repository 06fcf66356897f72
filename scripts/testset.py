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

    schema, toc, threshold = (
        read_schema(snakemake.input.schema),
        read_toc(snakemake.input.toc),
        snakemake.params.threshold,
    )
    rows = load_testset(snakemake.input.testset, schema, toc)
    reported = select(rows, snakemake.params.label)
    result = overlap(reported, (pair for _, pair in read_numbered(snakemake.input.pool)), threshold)
    development = [row for path in snakemake.input.dev for row in load_testset(path, schema, toc)]
    overlap(development, (pair for _, pair in read_numbered(snakemake.input.pool)), threshold)
    overlap(development, reported, threshold)
    write_jsonl(snakemake.output.testset, rows)
    write_jsonl(snakemake.output.dev, development)
    write_json(snakemake.output.overlap, result | {"label": snakemake.params.label})
