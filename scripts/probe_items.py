"""rule probe_items"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_exported
    from tatara.data.probe import make_items, read_questions
    from tatara.files.jsonl import write_jsonl

    graph = load_exported(dict(snakemake.input.items()))
    choice = {key: snakemake.params[key] for key in ("most", "share", "seed")}
    write_jsonl(snakemake.output[0], make_items(graph, read_questions(snakemake.input.questions), **choice))
