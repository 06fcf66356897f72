"""rule qa_pairs"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_csv import load_exported
    from tatara.data.held_out import without_held_out
    from tatara.data.left_out import LeftOut
    from tatara.data.own_pairs import read_own_pairs
    from tatara.data.pairs import make_pairs
    from tatara.data.templates import read_templates
    from tatara.files.jsonl import write_jsonl

    left_out = LeftOut()
    graph = without_held_out(
        load_exported(dict(snakemake.input.items())), snakemake.params.held_out, snakemake.params.seed, left_out
    )
    params = snakemake.params
    templates = read_templates(snakemake.input.templates, graph.schema, params.get("answer_chars"))
    ask_for_all = params.get("ask_for_all", False)
    pairs = make_pairs(graph, templates, params.target_counts, params.seed, left_out, ask_for_all)
    # Strata are kept apart from relation types by a prefix: one may be called like the other.
    standing = [pair["id"] for pair in pairs]
    own = read_own_pairs(snakemake.input.own, snakemake.params.stratify_by, left_out, standing, "own: ")
    write_jsonl(snakemake.output.pairs, pairs + own)
    left_out.write(snakemake.output.left_out)
