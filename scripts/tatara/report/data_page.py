"""results/data.html: the data itself, to be looked at before anything is trained."""

from pathlib import Path

import pandas

from tatara.measure.results import read_json
from tatara.report.data_tables import diversity_table, nearest_table, shares_table
from tatara.report.facts_tables import content_table, coverage_table, register_table, sections_table
from tatara.report.left_out_table import left_out_table
from tatara.report.page import inline_figures, write_page


def write_data_page(
    *,
    output: Path | str,
    title: str,
    figures: list[str],
    captions: list[str],
    pairs: Path | str,
    pool: Path | str,
    diversity: Path | str,
    overlap: Path | str,
    nodes: Path | str,
    relations: Path | str,
    schema: Path | str,
    left_out: list[Path | str],
    augmented: list[Path | str],
    facts: Path | str,
    subset: Path | str,
    quality: Path | str,
    coverage: Path | str,
    warn_above: float,
    register: dict[str, float],
) -> None:
    """Write the page.

    Args:
        title: of the study; its notice tells of the models, and so has no place here.
        figures: data01_….svg … data05_….svg; captions: report/{key}.rst of each.
        pairs, pool, diversity: qa/qa_pairs.jsonl, qa/pool.jsonl, qa/diversity.csv.
        overlap: testset/overlap.json.
        nodes, relations: graph/nodes.csv, graph/relations.csv.
        schema: schema.yaml, for display names.
        left_out: graph/left_out.csv, qa/left_out.csv; augmented: qa/augmented.csv where pairs are rephrased.
        facts, subset: graph/facts.csv, the largest subset.
        quality, coverage: subsets/quality.csv, testset/coverage.csv.
        register: config section of this name.
        warn_above: share of what there was above which what is left out is marked.
    """
    write_page(
        "data.html",
        output,
        title=f"{title} — data",
        notice="",
        figures=inline_figures(figures, captions, "Data figure"),
        shares=shares_table(pairs, pool, schema),
        diversity=diversity_table(diversity),
        left_out=left_out_table(left_out, augmented, warn_above),
        content=content_table(quality),
        register=register_table(quality, **register),
        sections=sections_table(facts, subset),
        coverage=coverage_table(coverage),
        nearest=nearest_table(read_json(overlap)),
        nodes=len(pandas.read_csv(nodes, dtype=str)),
        relations=len(pandas.read_csv(relations, dtype=str)),
    )
