"""rule pool"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.overlap import COLUMNS, too_near
    from tatara.data.questions import select
    from tatara.data.schema import read_schema
    from tatara.data.subsets import KEYS, rebalance
    from tatara.data.testset import load_testset
    from tatara.data.toc import read_toc
    from tatara.files.jsonl import read_fields, read_numbered, write_jsonl
    from tatara.files.text import write_csv

    given, params = snakemake.input, snakemake.params
    pairs = [pair for file in given.pairs for pair in read_fields(file, (*KEYS, "facts"))]
    kept = {pair["id"] for pair in rebalance(pairs, params.retain, params.target_share, params.seed)}

    def rows():
        return (pair for file in given.pairs for _, pair in read_numbered(file) if pair["id"] in kept)

    if given.get("testset"):
        schema, toc = read_schema(given.schema), read_toc(given.toc)
        questions = select(load_testset(given.testset, schema, toc), params.label)
        questions += [row for file in given.dev for row in load_testset(file, schema, toc)]
        near = list(too_near(questions, rows(), params.threshold))
        kept -= {id_ for id_, *_ in near}
        write_csv(snakemake.output.near, COLUMNS, near)
    write_jsonl(snakemake.output.pool, rows())
