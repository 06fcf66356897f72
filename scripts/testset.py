"""rule testset"""

import json

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    from tatara.files import write_text
    from tatara.jsonl import read_numbered, write_jsonl
    from tatara.schema import read_schema
    from tatara.testset import load_testset, overlap, select
    from tatara.toc import read_toc

    rows = load_testset(snakemake.input.testset, read_schema(snakemake.input.schema), read_toc(snakemake.input.toc))
    pool = (pair for _, pair in read_numbered(snakemake.input.pool))
    found = overlap(select(rows, snakemake.params.label), pool, snakemake.params.threshold)
    write_jsonl(snakemake.output.testset, rows)
    write_text(snakemake.output.overlap, json.dumps(found | {"label": snakemake.params.label}, ensure_ascii=False, indent=1) + "\n")
