"""results/report.html: one file that opens offline, with the summary first and every number's source behind it."""

from pathlib import Path

from tatara.data.schema import read_schema
from tatara.files.formats import label_of
from tatara.measure.results import by_model_and_format, read_json
from tatara.measure.taught import read_coverage
from tatara.report import summary
from tatara.report.data_tables import quality_tables, shares_table
from tatara.report.page import inline_figures, write_page
from tatara.report.questions import questions_by_category
from tatara.report.result_tables import category_table, parity_table
from tatara.report.tables.registry import paper_text_of, text_of
from tatara.report.text_table import read_table


def write_report(
    *,
    output: Path | str,
    title: str,
    notice: str,
    level: float,
    names: dict[str, str],
    tables: list[str],
    figures: list[str],
    selected: Path | str,
    pairs: Path | str,
    pool: Path | str,
    quality: Path | str,
    overlap: Path | str,
    schema: Path | str,
    testset: Path | str,
    coverage: Path | str,
    judge: list[str],
    answers: list[str],
    parity: list[str],
    provenance: Path | str,
    judges: list[str],
    captions: list[str],
    paper: list[str] | None = None,
) -> None:
    """Write the report.

    Args:
        title, notice: of the study; the notice stands on top where it is not empty.
        level: confidence level of the intervals.
        names: model -> display name, in order.
        tables: table1.csv … table6.csv, taught.csv, repetition.csv, probe.csv, probe_types.csv, at_hand.csv,
            ladder.csv, merge.csv and agreement.csv, known by their names; harm.csv as well where the domain has its
            sets, recipes.csv where the study compares ways to train.
        figures: fig01_….svg … fig11_….svg, hand01_….svg and quant01_….svg (or .png), known by their names.
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        selected, quality, overlap, testset, coverage, provenance: scale/selected.json, subsets/quality.csv,
            testset/overlap.json, testset/test_set_200.jsonl, testset/coverage.csv, provenance.json.
        schema: schema.yaml, for display names.
        judge, answers: files of all models and formats; parity: files of all models.
        judges: names of the judges, the first one's scores are the tables'.
        paper: resources/paper/table1.csv … table6.csv where the paper's values are shown.
    """
    frames = {Path(path).stem: read_table(path) for path in tables}
    size, containment = read_json(selected), read_json(overlap)
    write_page(
        "report.html",
        output,
        title=title,
        notice=notice,
        selected=size,
        summary=summary.sentences(size, frames, level),
        tables={key: text_of(key, frame, level) for key, frame in frames.items()},
        figures=inline_figures(figures, captions, "Figure"),
        judges=judges,
        by_category=category_table(judge, names),
        paper={Path(path).stem: paper_text_of(Path(path).stem, path) for path in paper or []},
        shares=shares_table(pairs, pool, schema),
        quality=quality_tables(quality, read_schema(schema)),
        parity=parity_table(parity, names),
        overlap=containment,
        nearest=max(containment["questions"], key=lambda row: row["containment"], default=None),
        categories=questions_by_category(judge, answers, testset, names, read_coverage(coverage, size["n"])),
        answered={
            f"{model}_{fmt}": f"{names[model]}, {label_of(fmt)}" for model, fmt in by_model_and_format(judge, names)
        },
        provenance=read_json(provenance),
    )
