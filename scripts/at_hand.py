"""rule at_hand"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_exported
    from tatara.data.questions import evaluated
    from tatara.data.retrieval import graph_at_hand
    from tatara.files.jsonl import write_jsonl

    graph = load_exported(dict(snakemake.input.items()))
    rows = evaluated(snakemake.input.testset, **snakemake.params.questions)
    prompt = Path(snakemake.input.prompt)
    write_jsonl(snakemake.output[0], graph_at_hand(rows, graph, lines=snakemake.params.lines, prompt=prompt))
