"""results/report.html: one file that opens offline, with the summary first and every number's source behind it."""

from pathlib import Path

import pandas

from tatara.data.schema import Schema, read_schema
from tatara.files.formats import FORMATS
from tatara.files.jsonl import read_jsonl
from tatara.measure.results import LARGEST_SD, by_model_and_format, read_json, read_judge, read_scores
from tatara.report import paper as printed
from tatara.report import summary
from tatara.report.data_page import shares_table
from tatara.report.page import inline_figures, write_page
from tatara.report.table_text import Shown, number, percent, read_table, shown, size, small

SHARES = {"relation_share": "Share of each relation type (%)", "category_share": "Share of each category (%)"}
LENGTHS = {
    "answer_chars_mean": "Answer, mean",
    "answer_chars_sd": "Answer, SD",
    "question_chars_mean": "Question, mean",
}


def quality_tables(quality: Path | str, schema: Schema) -> list[Shown]:
    """Return quality.csv as tables of shares and of lengths, one column a size."""
    rows = pandas.read_csv(quality, keep_default_na=False)
    names = {type_: f"{relation.name} {type_}" for type_, relation in schema.relations.items()}
    tables = []
    for metric, title in SHARES.items():
        part = 100 * rows[rows["metric"] == metric].pivot(index="key", columns="n", values="value").fillna(0.0)
        part = part.sort_values(part.columns.max(), ascending=False, kind="stable")
        cells = [
            [names.get(key, key), *(number(value, 1) for value in line)]
            for key, line in zip(part.index, part.to_numpy(), strict=True)
        ]
        headings = [
            "Relation type" if metric == "relation_share" else "Category",
            *(f"n\u00a0=\u00a0{n:,}" for n in part.columns),
        ]
        tables.append(Shown(title, "", headings, cells, [False] + [True] * len(part.columns), ""))
    part = rows[rows["metric"].isin(LENGTHS)].pivot(index="metric", columns="n", values="value")
    cells = [[label, *(number(value, 1) for value in part.loc[metric])] for metric, label in LENGTHS.items()]
    headings = ["Characters", *(f"n\u00a0=\u00a0{n:,}" for n in part.columns)]
    return [*tables, Shown("Length (characters)", "", headings, cells, [False] + [True] * len(part.columns), "")]


def parity_table(parity: list[str], names: dict[str, str]) -> Shown:
    """Return what each GGUF file showed against the transformers model, and why a model has none."""
    contents = {content["model"]: content for content in map(read_json, parity)}
    rows = []
    for model in sorted(contents, key=list(names).index):
        content = contents[model]
        rows += [
            [
                names[model],
                FORMATS[fmt].label,
                "yes" if entry["token_ids_equal"] else "no",
                f"{entry['lines']:,}",
                f"{entry['tokens']:,}",
                small(entry["mean_kl"]),
                percent(entry["top1_agreement"], 1),
                small(entry["max_logit_difference"]),
                size(entry["bytes"]),
                "passed" if entry["passed"] else "failed",
            ]
            for fmt, entry in content["formats"].items()
        ]
        if not content["gguf"]:
            rows.append([names[model], "no GGUF", *["—"] * 7, content["reason"]])
    headings = [
        "Model",
        "File",
        "Token ids equal",
        "Lines",
        "Tokens",
        "KL",
        "Top-1",
        "Largest logit difference",
        "Size",
        "Result",
    ]
    note = (
        "Against the merged transformers model on Japanese text: token ids line by line; mean KL(transformers ‖ GGUF) "
        "in nats per token; share of "
        "positions with the same most likely token. An F16 file that fails stops the build; a quantized file is meant "
        "to differ in its logits."
    )
    return Shown(
        "Parity of the GGUF files",
        note,
        headings,
        rows,
        [False, False, False, True, True, True, True, True, True, False],
        "No parity files.",
    )


def category_table(judge: list[str], names: dict[str, str]) -> Shown:
    """Return the mean score of each model and format by category, and the spread of all its scores: the numbers of
    figures 9 and 10.
    """
    files = {key: read_judge(path) for key, path in by_model_and_format(judge, names).items()}
    categories = list(dict.fromkeys(category for rows in files.values() for category in rows["category"]))
    lines = []
    for (model, fmt), rows in files.items():
        means = rows.groupby("category")["score"].mean().reindex(categories)
        spread = float(rows["score"].std(ddof=0))
        lines.append(
            [
                names[model],
                FORMATS[fmt].label,
                *(number(value) for value in means),
                number(spread, 3),
                number(1 - spread / LARGEST_SD, 3),
            ]
        )
    note = "Stability, as in figure 10: 1 − SD / 1.5. Intervals stand in the figures."
    headings = ["Model", "Format", *categories, "SD of the scores", "Stability"]
    return Shown(
        "Mean score by category", note, headings, lines, [False, False] + [True] * (len(categories) + 2), "No scores."
    )


def _other_scores(path: Path | str) -> dict[str, list[str]]:
    """Return question id -> what every further judge and repeat of a judge file says, such as `qwen14b 2: …`."""
    rows = read_scores(path)
    first = rows["judge"] == rows["judge"].iloc[0]
    found: dict[str, list[str]] = {}
    for row in rows[~(first & (rows["repeat"] == 1))].itertuples():
        score = f"{row.score:g}" if row.score == row.score else "invalid"
        repeat = f" (repeat {row.repeat})" if row.repeat > 1 else ""
        found.setdefault(row.id, []).append(f"{row.judge}{repeat} {score}: {row.reason}")
    return found


def questions(
    judge: list[str], answers: list[str], testset: Path | str, names: dict[str, str]
) -> dict[str, list[dict]]:
    """Return category -> its questions in the order of the test set, each with the answers, scores and reasons of all
    models and formats.
    """
    given = {
        key: {row["id"]: row for row in read_jsonl(path)} for key, path in by_model_and_format(answers, names).items()
    }
    judged = {
        key: read_judge(path).set_index("id").to_dict("index")
        for key, path in by_model_and_format(judge, names).items()
    }
    others = {key: _other_scores(path) for key, path in by_model_and_format(judge, names).items()}
    asked = {question for rows in judged.values() for question in rows}
    categories: dict[str, list[dict]] = {}
    for row in read_jsonl(testset):
        if row["id"] not in asked:
            continue
        entries = []
        for (model, fmt), rows in judged.items():
            if row["id"] in rows:
                verdict, answer = rows[row["id"]], given[model, fmt][row["id"]]
                valid = verdict["score"] == verdict["score"]
                entries.append(
                    {
                        "id": f"{model}_{fmt}",
                        "model": names[model],
                        "format": FORMATS[fmt].label,
                        "score": f"{verdict['score']:g}" if valid else "invalid",
                        "level": int(verdict["score"] + 0.5) if valid else "invalid",
                        "reason": verdict["reason"],
                        "answer": answer["answer"],
                        "others": others[model, fmt].get(row["id"], []),
                        "seconds": number(verdict["seconds"]),
                        "cut": answer["stop"] == "length",
                    }
                )
        categories.setdefault(row["category"], []).append(
            {
                "id": row["id"],
                "difficulty": row["difficulty"],
                "question": row["question"],
                "reference": row["reference"],
                "entries": entries,
            }
        )
    return categories


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
        tables: table1.csv … table6.csv, ladder.csv, merge.csv and agreement.csv, known by their names.
        figures: fig01_….svg … fig11_….svg and quant01_….svg (or .png), known by their names.
        pairs, pool: qa/qa_pairs.jsonl, qa/pool.jsonl.
        selected, quality, overlap, testset, provenance: scale/selected.json, subsets/quality.csv, testset/overlap.json,
            testset/test_set_200.jsonl, provenance.json.
        schema: schema.yaml, for display names.
        judge, answers: files of all models and formats; parity: files of all models.
        judges: names of the judges, the first one's scores are the tables'.
        paper: resources/paper/table1.csv … table6.csv where the paper's values are shown.
    """
    frames = {Path(path).stem: read_table(path) for path in tables}
    chosen, held = read_json(selected), read_json(overlap)
    nearest = max(held["questions"], key=lambda row: row["containment"], default=None)
    write_page(
        "report.html",
        output,
        title=title,
        notice=notice,
        selected=chosen,
        summary=summary.sentences(chosen, frames, level),
        tables={key: shown(key, frame, level) for key, frame in frames.items()},
        figures=inline_figures(figures, captions, "Figure"),
        judges=judges,
        by_category=category_table(judge, names),
        paper={Path(path).stem: printed.shown(Path(path).stem, path) for path in paper or []},
        shares=shares_table(pairs, pool, schema),
        quality=quality_tables(quality, read_schema(schema)),
        parity=parity_table(parity, names),
        overlap=held,
        nearest=nearest,
        categories=questions(judge, answers, testset, names),
        answered={
            f"{model}_{fmt}": f"{names[model]}, {FORMATS[fmt].label}"
            for model, fmt in by_model_and_format(judge, names)
        },
        provenance=read_json(provenance),
    )
