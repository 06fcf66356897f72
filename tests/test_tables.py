"""The tables from a small set of result files."""

import json
import math
import re
from pathlib import Path

import pandas
import pytest
from pipeline_copy import REPOSITORY
from synthetic import NAMES, probe_rows, write_study
from synthetic_compared import add_compared
from synthetic_tables import SETTINGS, models, quantized, sizes
from tatara.data.coverage import COLUMNS as COVERAGE_COLUMNS
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.probe_file import read_probe, write_probe
from tatara.job.errors import InputError
from tatara.measure import probe
from tatara.measure.agreement import write_agreement
from tatara.measure.said_again import said_again
from tatara.measure.sizes import read_scale
from tatara.measure.stats import Resampling
from tatara.report.numbers import duration, interval, number, size, small
from tatara.report.summary import training_size
from tatara.report.tables.at_hand import at_hand_table
from tatara.report.tables.common import NO_DIFFERENCE
from tatara.report.tables.harm import harm_table
from tatara.report.tables.ladder import ladder_table
from tatara.report.tables.merge import merge_table
from tatara.report.tables.probe import probe_table, probe_types
from tatara.report.tables.registry import TABLES, text_of, write_table
from tatara.report.tables.repetition import repetition_table
from tatara.report.tables.table1 import table1
from tatara.report.tables.table4 import table4
from tatara.report.tables.table6 import attention, table6
from tatara.report.tables.taught import taught_table
from tatara.report.text_table import markdown, read_table

TOC = REPOSITORY / "resources/graph/toc.csv"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"), questions=100)


def edit_judge(study, tmp_path, key, change):
    """Return the judge files with one of them changed by a function of its frame."""
    files = []
    for path in study.judge:
        if f"judge_{key}" in path:
            rows = pandas.read_csv(path)
            copy = tmp_path / Path(path).name
            change(rows).to_csv(copy, index=False, lineterminator="\n")
            path = str(copy)
        files.append(path)
    return files


def test_table1_is_the_mean_over_seeds_by_size(tmp_path):
    study = write_study(tmp_path, sizes=(60, 120), seeds=(1, 2), questions=4)
    table = table1(train=study.train)
    reports = [json.loads(Path(path).read_text(encoding="utf-8")) for path in study.train]
    assert list(table["n"]) == [60, 120] and list(table["seeds"]) == [2, 2]
    assert table["final_loss"][0] == pytest.approx(
        sum(report["final_loss"] for report in reports if report["n"] == 60) / 2
    )
    assert table["seconds"][1] == pytest.approx(264.0)


def test_table2_has_the_status_of_scale_csv(study):
    table = sizes(study)
    rows = pandas.read_csv(study.path("scale/scale.csv"))
    assert list(table["status"]) == list(rows["status"]) and list(table["nll"]) == pytest.approx(list(rows["nll"]))
    assert list(table["status"])[-1] == "worse"


def test_table3_compares_models_at_full_precision(study):
    table = models(study)
    assert list(table.index) == list(NAMES) and list(table["format"]) == ["f16", "f16", "f16", "nf4"]
    scores = pandas.read_csv(study.judge[0])
    assert table["score"]["swallow"] == pytest.approx(scores["score"].mean())
    assert table["perfect"]["swallow"] == pytest.approx((scores["score"] == 3).mean())
    assert table["characters"]["swallow"] == pytest.approx(scores["characters"].mean())
    assert table["verdict"]["swallow"] == "best" and table["verdict"]["qwen"] == "below the best"
    assert (table["score_low"] < table["score"]).all() and (table["score"] < table["score_high"]).all()
    assert table["difference"]["qwen"] == pytest.approx(table["score"]["qwen"] - table["score"]["swallow"])
    for path in study.nll:
        if path.endswith("tanuki_nf4.json"):
            assert table["bits_per_byte"]["tanuki"] == pytest.approx(
                json.loads(Path(path).read_text(encoding="utf-8"))["bits_per_byte"]
            )


def test_the_untuned_model_is_the_first_row_of_table_2(tmp_path):
    study = add_compared(write_study(tmp_path, sizes=(60, 120), seeds=(1, 2), questions=40))
    table = sizes(study)
    assert list(table["n"]) == [0, 60, 120] and list(table["status"])[:2] == ["untuned", "first"]
    untuned = json.loads(Path(study.untuned[0]).read_text(encoding="utf-8"))
    assert table["nll"][0] == pytest.approx(untuned["nll"]) and math.isnan(table["delta_nll"][0])
    # Two seeds of one size together against the one untuned model.
    assert list(table["untuned_delta_nll"][1:]) == pytest.approx(list(table["nll"][1:] - untuned["nll"]))
    assert list(table["untuned_status"][1:]) == ["better", "better"] and math.isnan(table["untuned_delta_nll"][0])
    chosen = {"n": 120, "rule": "min", "reason": "Because.", "run": "x"}
    said = training_size(chosen, table)
    assert said[-1].startswith("Against the untuned model the test NLL at n = 120 is better: −")
    assert [sentence.partition(" ")[0] for sentence in said] == ["Train", "Because.", "From", "Against"]
    study.untuned.clear()
    without = sizes(study)
    assert list(without["n"]) == [60, 120] and without["status"][0] == "first"
    assert list(without["nll"]) == list(table["nll"][1:])
    assert not any("untuned" in sentence for sentence in training_size(chosen, without))


def test_the_untuned_models_come_first_in_table_3_and_show_what_training_gave(tmp_path):
    study = add_compared(write_study(tmp_path, questions=40))
    table = models(study).reset_index()
    assert list(table["format"]) == ["base"] * 4 + ["f16", "f16", "f16", "nf4"]
    assert list(table["verdict"][:4]) == ["untuned"] * 4 and table["verdict"][4] == "best"
    assert table["score"][0] == 0.5 and table["difference"][:4].isna().all() and table["gain"][:4].isna().all()
    gains = table["score"][4:].to_numpy() - 0.5
    assert table["gain"][4:].to_numpy() == pytest.approx(gains) and set(table["gain_verdict"][4:]) == {"improves"}
    assert (table["gain_p_holm"][4:] < 0.05).all() and (table["gain_perfect_p_holm"][4:] < 0.05).all()
    alone = models(study, [path for path in study.judge if "_base" not in path]).reset_index()
    shared = [column for column in alone.columns if not column.startswith("gain")]
    assert alone[shared].equals(table[4:].reset_index(drop=True)[shared]) and alone["gain"].isna().all()


def test_an_untuned_model_is_never_the_best_and_no_format_of_table_5(tmp_path):
    study = add_compared(write_study(tmp_path, questions=40))
    files = edit_judge(study, tmp_path, "elyza_base", lambda rows: rows.assign(score=3))
    row = models(study, files).reset_index().set_index(["model", "format"])
    assert row["verdict"]["elyza", "base"] == "untuned" and row["gain_verdict"]["elyza", "f16"] == "degrades"
    table = quantized(study)
    assert set(table["format"]) == {"q4"}


def test_models_that_score_alike_get_no_verdict(study, tmp_path):
    scores = pandas.read_csv(study.judge[0])["score"]
    files = edit_judge(study, tmp_path, "elyza_f16", lambda rows: rows.assign(score=scores))
    table = models(study, files)
    assert table["verdict"]["elyza"] == NO_DIFFERENCE and table["difference"]["elyza"] == 0.0


def test_an_invalid_score_is_counted_and_is_no_zero(study, tmp_path):
    def spoil(rows):
        rows["score"] = rows["score"].astype(float)
        rows.loc[:9, "valid"], rows.loc[:9, "score"] = False, None
        return rows

    files = edit_judge(study, tmp_path, "swallow_f16", spoil)
    rest = pandas.read_csv(study.judge[0])["score"][10:]
    row = models(study, files).loc["swallow"]
    assert row["invalid"] == 10 and row["questions"] == 100 and row["score"] == pytest.approx(rest.mean())
    assert row["perfect"] == pytest.approx((rest == 3).mean())
    counts = table4(judge=files, names=study.names).iloc[0]
    assert (
        counts["invalid"] == 10
        and counts["score0"] == (rest == 0).sum()
        and counts[["score3", "score2", "score1", "score0"]].sum() == 90
    )


def test_no_valid_score_at_all(study, tmp_path):
    files = edit_judge(study, tmp_path, "elyza_f16", lambda rows: rows.assign(valid=False, score=None))
    row = models(study, files).loc["elyza"]
    assert math.isnan(row["score"]) and row["invalid"] == 100 and row["verdict"] == NO_DIFFERENCE


def test_repeats_are_averaged_and_other_judges_left_out(study, tmp_path):
    def repeat(rows):
        again = rows.assign(repeat=2, score=3)
        other = rows.assign(judge="second", score=0)
        return pandas.concat([rows, again, other])

    files = edit_judge(study, tmp_path, "swallow_f16", repeat)
    row = models(study, files).loc["swallow"]
    assert row["questions"] == 100 and row["score"] == pytest.approx(
        (pandas.read_csv(study.judge[0])["score"].mean() + 3) / 2
    )


def test_table4_counts_every_question(study):
    table = table4(judge=study.judge, names=study.names)
    assert len(table) == 7 and (table[["score3", "score2", "score1", "score0", "invalid"]].sum(axis=1) == 100).all()
    assert list(table["model"]) == ["swallow", "swallow", "elyza", "elyza", "qwen", "qwen", "tanuki"]


def test_table5_pairs_each_quantized_file_with_f16(study):
    table = quantized(study).set_index("model")
    assert list(table.index) == ["swallow", "elyza", "qwen"] and set(table["format"]) == {"q4"}
    assert table["verdict"]["qwen"] == "degrades" and table["verdict"]["swallow"] == NO_DIFFERENCE
    assert table["difference"]["qwen"] == pytest.approx(table["score"]["qwen"] - table["score_f16"]["qwen"])
    # NLL rises by 0.02 with little noise: 100 questions show by token what their scores cannot.
    assert set(table["nll_verdict"]) == {"degrades"} and table["nll_difference"]["swallow"] == pytest.approx(
        0.02, abs=0.006
    )
    assert table["speedup"]["swallow"] == pytest.approx(table["seconds_f16"]["swallow"] / table["seconds"]["swallow"])
    assert (
        2.0 < table["throughput_ratio"]["swallow"] < 2.5
        and table["bytes"]["swallow"] == 3_100_000
        and table["mean_kl"]["swallow"] == 0.0123
    )
    assert (table["p_holm"] >= table["p_value"]).all()


def answer_all(study, part: str, with_part: str, without: str) -> None:
    """Put one answer into every row of the files whose names hold `part`, and another into those of the others."""
    for path in map(Path, study.answers):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        said = with_part if part in path.name else without
        path.write_text("".join(json.dumps(row | {"answer": said}) + "\n" for row in rows), encoding="utf-8")


def test_tables_3_and_5_have_the_recall_of_facts(tmp_path):
    """F16 says the first fact of each question's two, Q4_K_M none; the first is taught in two questions of three."""
    study = write_study(tmp_path, sizes=(60,), questions=12)
    answer_all(study, "f16", "亀 裂を確認します。", "何も確認しません。")
    row = quantized(study).iloc[0]
    assert (row["recall_f16"], row["recall"], row["recall_difference"]) == (0.5, 0.0, -0.5)
    row = models(study).loc["swallow"]
    assert row["recall_taught"] == pytest.approx(8 / 12) and row["recall_untaught"] == pytest.approx(4 / 12)


@pytest.mark.parametrize(
    ("answer", "again", "whole"),
    [
        ("", 0, 0),
        ("ダムです。堰です。ダムです。", 5, 14),
        ("ダム です（設計編 第2章）。ダムです（設計編 第2章）。堰", 13, 27),
        ("It is 2.5 m. It is 2.5 m. No.", 9, 21),
        ("同じ行\n同じ行\n", 3, 6),
    ],
)
def test_a_sentence_that_an_answer_holds_already_is_said_again(answer, again, whole):
    assert said_again(answer) == (again, whole)


def test_table_3_has_the_share_of_answers_that_is_said_again(tmp_path):
    study = write_study(tmp_path, sizes=(60,), questions=12)
    answer_all(study, "swallow", "ダムです。ダムです。", "")
    table = models(study)
    assert table.loc["swallow", "said_again"] == 0.5
    assert table.drop("swallow")["said_again"].isna().all()
    write_table("table3", table.reset_index(), csv=tmp_path / "3.csv", md=tmp_path / "3.md", level=0.95)
    row = next(line for line in (tmp_path / "3.md").read_text(encoding="utf-8").splitlines() if "Swallow" in line)
    assert "| 50.0 [50.0, 50.0] % |" in row


def test_table5_without_quantized_files_says_so(tmp_path):
    study = write_study(tmp_path, sizes=(60,), questions=4, names={"tanuki": "Tanuki"})
    table = quantized(study)
    write_table("table5", table, csv=tmp_path / "5.csv", md=tmp_path / "5.md", level=0.95)
    assert table.empty and "No model was answered with both" in (tmp_path / "5.md").read_text(encoding="utf-8")
    assert text_of("table5", read_table(tmp_path / "5.csv"), 0.95).rows == []


def probes_of(study, fmt: str) -> list[str]:
    return [study.path(f"probe/{model}_{fmt}.csv") for model in study.names]


def ship(study, max_delta_nll: float = 0.05):
    files = {name: study.path(f"tables/{name}.csv") for name in ("ladder", "table5")}
    return table6(**files, parity=study.parity, names=study.names, max_delta_nll=max_delta_nll, min_top1=0.9)


def all_tables(study):
    tables = {
        "table1": table1(train=study.train),
        "table2": sizes(study),
        "table3": models(study).reset_index(),
        "table4": table4(judge=study.judge, names=study.names),
        "table5": quantized(study),
        "ladder": ladder_table(
            ladder=study.ladders, times=study.ladder_times, probe=study.probe_ladders, names=study.names, **SETTINGS
        ),
    }
    files = [path for path in study.nll if not path.endswith(("_nf4.json", "_base.json"))]
    tables["merge"] = merge_table(
        adapters=study.adapters,
        merges=study.merges,
        files=files,
        probe=[*study.probe, *study.probe_merges, *probes_of(study, "nf4")],
        names=study.names,
        **SETTINGS,
    )
    for name in ("ladder", "table5"):
        write_table(
            name, tables[name], csv=study.path(f"tables/{name}.csv"), md=study.path(f"tables/{name}.md"), level=0.95
        )
    tables["table6"] = ship(study)
    files = [study.frequencies, *study.probe_runs, *probes_of(study, "nf4"), *study.probe, *study.probe_merges]
    if study.untuned:
        tables["probe_types"] = probe_types(probe=study.probe, names=study.names, **SETTINGS)
    tables["probe"] = probe_table(probe=[*files, *study.probe_ladders], names=study.names, **SETTINGS)
    tables["taught"] = taught_table(
        judge=study.judge,
        nll=study.nll,
        answers=study.answers,
        testset=study.path("testset/test_set_200.jsonl"),
        coverage=study.path("testset/coverage.csv"),
        selected=study.path("scale/selected.json"),
        names=study.names,
        **SETTINGS,
    )
    tables["repetition"] = repetition(study, study.answers)
    testset = study.path("testset/test_set_200.jsonl")
    tables["at_hand"] = at_hand_table(**study.four, testset=testset, names=study.names, **SETTINGS)
    tables["harm"] = harm_table(
        **study.harm,
        questions=study.path("harm/questions.jsonl"),
        refusals=study.path("harm/refusals.json"),
        toc=TOC,
        names=study.names,
        **SETTINGS,
    )
    write_agreement(study.judge, output=study.path("judge/agreement.csv"), **{**SETTINGS, "resamples": 50})
    tables["agreement"] = read_table(study.path("judge/agreement.csv"))
    return tables


def write_lines(path, rows):
    write_jsonl(path, rows)
    return str(path)


def repetition(study, answers, **development):
    return repetition_table(
        answers=answers,
        testset=study.path("testset/test_set_200.jsonl"),
        coverage=study.path("testset/coverage.csv"),
        selected=study.path("scale/selected.json"),
        scale=study.path("scale/scale.csv"),
        names=study.names,
        **development,
        **SETTINGS,
    )


def test_recall_by_the_pairs_that_teach_a_fact(tmp_path):
    """Every test answer says the first fact of each question alone. Of three questions in turn the facts are taught by
    3 and 12 pairs, 60 and none, none and none; of the development questions by none, 5, 9 and 50.
    """
    study, answers = write_study(tmp_path / "study", sizes=(60, 120), seeds=(1, 2), questions=100), []
    for path in study.answers:
        rows = [row | {"answer": "亀 裂を確認します。"} for row in read_jsonl(path)]
        answers.append(write_lines(tmp_path / Path(path).name, rows))
    runs = read_scale(study.path("scale/scale.csv"))
    facts = [[["甲"], ["乙"]], [["丙"], ["丁"]]]
    dev = write_lines(tmp_path / "dev.jsonl", [{"id": f"d{n}", "facts": own} for n, own in enumerate(facts)])
    said = [  # the first run, the first of two seeds at 60, is emptied below
        write_lines(tmp_path / f"{run['run']}.jsonl", [{"id": "d0", "answer": "乙"}, {"id": "d1", "answer": "丁"}])
        for run in runs
    ]
    write_lines(Path(said[0]), [{"id": "d0", "answer": ""}, {"id": "d1", "answer": ""}])
    held = ("1,0;5", "0;1,9;50")  # which of its facts, and by how many pairs
    lines = [f"d{n},x,y,{size},2,1,{own},partly" for size in study.sizes for n, own in enumerate(held)]
    coverage = tmp_path / "coverage_dev.csv"
    coverage.write_text("\n".join([",".join(COVERAGE_COLUMNS), *lines, ""]), encoding="utf-8")
    frame = repetition(study, answers, scale_answers=said, dev=dev, coverage_dev=str(coverage))
    test = frame.query("questions == 'test'")
    assert set(test["format"]) <= {"f16", "nf4"} and test["model"].to_list() == list(study.names)
    own = test.iloc[0]
    assert [own[f"facts_{least}"] for least in (0, 1, 5, 10, 20, 50)] == [99, 34, 0, 34, 0, 33]
    assert [own[f"recall_{least}"] for least in (0, 1, 10, 50)] == [pytest.approx(1 / 3), 1, 0, 1]
    assert math.isnan(own["recall_5"]) and own["recall_taught"] == pytest.approx(67 / 101)
    # 亀裂 is in every answer, so in all others too; 丁 is a fact of the question d1 alone, whose answer has it.
    assert own["elsewhere"] == pytest.approx(67 / 101)
    smallest = frame.query("questions == 'development' and n == 60").iloc[0]
    assert [smallest[f"facts_{least}"] for least in (0, 1, 5, 10, 20, 50)] == [1, 0, 2, 0, 0, 1]
    assert [smallest[f"recall_{least}"] for least in (0, 5, 50)] == [0, 0.25, 0.5]
    assert smallest["recall_taught"] == pytest.approx(1 / 3) and smallest["elsewhere"] == 0
    shown = text_of("repetition", frame, 0.95)
    assert {"In no pair", "1–4", "50 or more", "In other answers"} <= set(shown.headings)
    first = dict(zip(shown.headings, shown.rows[0], strict=True))
    assert first["Format"] == "as trained" and first["10–19"] == "—" and first["50 or more"].endswith("% of 1")
    (tmp_path / "x").mkdir()
    rows = [{"id": "d0", "answer": "丁"}, {"id": "d1", "answer": ""}]
    crossed = write_lines(tmp_path / "x" / Path(said[-1]).name, rows)
    frame = repetition(study, answers, scale_answers=[crossed], dev=dev, coverage_dev=str(coverage))
    crossed = frame.query("questions == 'development'").iloc[0]
    assert crossed["recall_taught"] == 0 and crossed["elsewhere"] == pytest.approx(1 / 3)


def test_recall_counts_taught_and_untaught_facts_apart(study, tmp_path):
    """A model that says 亀裂 in every answer: the first fact of every question, which is taught in two of three."""
    answers = []
    for path in study.answers:
        copy = tmp_path / Path(path).name
        rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        said = "亀 裂を確認します。" if "f16" in path else "何も確認しません。"
        copy.write_text("".join(json.dumps(row | {"answer": said}) + "\n" for row in rows), encoding="utf-8")
        answers.append(str(copy))
    table = taught_table(
        judge=study.judge,
        nll=study.nll,
        answers=answers,
        testset=study.path("testset/test_set_200.jsonl"),
        coverage=study.path("testset/coverage.csv"),
        selected=study.path("scale/selected.json"),
        names=study.names,
        **SETTINGS,
    )
    rows = {(row["format"], row["group"]): row for row in table[table["model"] == table["model"][0]].to_dict("records")}
    assert [rows["f16", group]["questions"] for group in ("all", "taught", "partly", "untaught")] == [100, 34, 33, 33]
    whole = rows["f16", "all"]
    assert (whole["facts_taught"], whole["facts_untaught"]) == (34 * 2 + 33, 33 + 33 * 2)
    assert whole["recall_taught"] == pytest.approx((34 + 33) / (34 * 2 + 33))
    assert whole["recall_untaught"] == pytest.approx(33 / (33 + 33 * 2))
    assert whole["recall_taught_low"] < whole["recall_taught"] < whole["recall_taught_high"]
    assert rows["f16", "taught"]["recall_taught"] == 0.5 and rows["f16", "taught"]["facts_untaught"] == 0
    assert math.isnan(rows["f16", "taught"]["recall_untaught"])
    # No answer holds a fact: Wilson's interval of 0 of the 67 questions that have a taught one, and not [0, 0].
    none = rows["q4", "all"]
    assert (none["recall_taught"], none["recall_taught_low"]) == (0, 0)
    assert none["recall_taught_high"] == pytest.approx(1.96**2 / (67 + 1.96**2), rel=1e-3)


def test_files_are_the_same_bytes_twice_and_read_back_as_they_were(study, tmp_path):
    for round_ in ("a", "b"):
        for key, table in all_tables(study).items():
            write_table(
                key,
                table,
                csv=tmp_path / round_ / f"{key}.csv",
                md=tmp_path / round_ / f"{key}.md",
                level=0.95,
                notice="Stand-ins",
            )
    for key, table in all_tables(study).items():
        for kind in ("csv", "md"):
            assert (tmp_path / "a" / f"{key}.{kind}").read_bytes() == (tmp_path / "b" / f"{key}.{kind}").read_bytes()
        assert text_of(key, read_table(tmp_path / "a" / f"{key}.csv"), 0.95) == text_of(key, table, 0.95)


def test_markdown_has_one_cell_a_column_and_names_the_level(study):
    for key, table in all_tables(study).items():
        text = markdown(text_of(key, table, 0.9), "Stand-in models")
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert len(lines) == (len(table) + 2 if len(table) else 0)
        assert len({line.count("|") for line in lines}) <= 1
        assert text.startswith(f"### Table {key[-1]}. " if key.startswith("table") else "### ")
        assert "> **Stand-in models**" in text and "nan" not in text
        assert "{level}" not in text and ("90 %" in text or key in ("table1", "table4"))


def test_how_numbers_are_written():
    assert (
        number(2.8199, 3) == "2.820"
        and number(-0.28, 3, sign=True) == "−0.280"
        and number(0.01, 3, sign=True) == "+0.010"
    )
    assert number(-0.0001, 2, sign=True) == "0.00" and number(float("nan")) == "—" and number(12345.6) == "12,346"
    assert interval(2.31, 2.1, 2.52) == "2.31 [2.10, 2.52]" and interval(2.0, float("nan"), float("nan")) == "2.00"
    assert (duration(12.3), duration(2244), duration(11112)) == ("12.3 s", "37.4 min", "3.1 h")
    assert (size(16.06e9), size(8.4e6)) == ("16.06 GB", "8.4 MB")
    assert (small(0.0123), small(2.1e-7), small(0.0)) == ("0.012", "2.1e−7", "0")


def test_bad_files_are_named(study, tmp_path):
    with pytest.raises(InputError, match=r"judge_tanuki_nf4\.csv: no display name for the model tanuki"):
        table4(judge=study.judge, names={key: name for key, name in NAMES.items() if key != "tanuki"})
    with pytest.raises(InputError, match=r"scores\.csv: expected a file name that ends in model and format"):
        table4(judge=["scores.csv"], names=NAMES)
    files = edit_judge(
        study, tmp_path, "swallow_f16", lambda rows: rows.assign(score=rows["score"].where(rows.index != 4, 7))
    )
    with pytest.raises(InputError, match=r"judge_swallow_f16\.csv:6: the score 7.* is not 0, 1, 2 or 3"):
        table4(judge=files, names=study.names)
    files = edit_judge(study, tmp_path, "swallow_f16", lambda rows: rows.drop(columns="valid"))
    with pytest.raises(InputError, match=r"judge_swallow_f16\.csv:1: missing column valid"):
        table4(judge=files, names=study.names)


def test_the_ladder_has_power_where_scores_have_none(study):
    table = all_tables(study)["ladder"].set_index(["model", "variant"])
    row = table.loc["swallow", "q4"]
    assert (
        row["nll_difference"] == pytest.approx(0.012, abs=0.003)
        and row["verdict"] == "degrades"
        and row["p_holm"] >= row["p_value"]
    )
    assert row["kl"] == pytest.approx(0.018) and row["kl_low"] <= row["kl"] <= row["kl_high"]
    assert (
        table.loc[("swallow", "q4-imatrix"), "nll_difference"] < row["nll_difference"]
        and row["tokens_per_second"] == 8000
    )
    assert table.loc[("qwen", "q4"), "other_types"] == 0.8 and row["other_types"] == 0
    full = table.loc["swallow", "f16"]
    assert full["kl"] == 0 and full["top1"] == 1 and full["verdict"] == "reference"


def test_the_probe_by_hand(tmp_path):
    """Two nodes: of the first 3 items of 4 are right, of the second none of 2; the other model has two less."""
    for name, right in (("a_f16", (1, 1, 1, 0, 0, 0)), ("a_base", (1, 0, 0, 0, 0, 0))):
        rows = [
            {"name": name, "id": f"p{number}", "kind": "forward", "type": "T", "taught": number != 3}
            | {"node": "n1" if number < 4 else "n2", "answer": 2, "nats_without": [0.5, 1.0, 1.0, 1.0]}
            | {"nats": [2.0, 2.0, 1.0 if hit else 3.0, 2.5]}
            for number, hit in enumerate(right)
        ]
        write_probe(tmp_path / f"{name}.csv", rows)
    answers = probe.read_answers(sorted(tmp_path.glob("*.csv")))
    how = Resampling(**SETTINGS)
    whole = probe.accuracy([answers["a_f16"]], how)
    # Nodes are drawn: both the first (3 of 4), one of each (3 of 6), or both the second (0 of 2).
    assert (whole.value, whole.low, whole.high) == (0.5, 0.0, 0.75)
    assert probe.accuracy([probe.taught(answers["a_f16"])], how).value == 3 / 5
    assert probe.accuracy([probe.held_out(answers["a_f16"])], how).value == 0
    assert probe.accuracy([answers["a_f16"], answers["a_base"]], how).value == 4 / 12, "two seeds"
    assert probe.accuracy([answers["a_f16"]], how, "without").value == 0
    assert probe.accuracy([answers["a_f16"]], how, "plain").value == 0.5
    assert probe.added([2.0, 3.0], [0.5, 2.0]) == [1.5, 1.0]
    change, p_value = probe.difference(answers["a_f16"], answers["a_base"], how)
    # Two items differ, both one way: 2 x (1/2)^2.
    assert change.value == pytest.approx(2 / 6) and p_value == 0.5
    other = tmp_path / "b_f16.csv"
    write_probe(other, [row | {"name": "b_f16"} for row in read_probe(tmp_path / "a_f16.csv")["a_f16"][1:]])
    with pytest.raises(InputError, match=r"b_f16\.csv: not the items that a_base was probed with"):
        probe.read_answers([*sorted(tmp_path.glob("a_*.csv")), other])
    other.write_text(other.read_text(encoding="utf-8").replace("2.50000", "x", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"b_f16\.csv:2: could not convert"):
        probe.read_answers([other])


def test_the_probe_table_sets_each_form_beside_the_untuned_model(study):
    base = study.path("probe/swallow_base.csv")
    write_probe(base, probe_rows("swallow_base", 0.3))
    files = [study.frequencies, *study.probe_runs, *study.probe, *study.probe_ladders, base]
    table = probe_table(probe=files, names=study.names, **SETTINGS)
    rows = {(row["name"], row["label"]): row for row in table.to_dict("records")}
    assert table["label"].tolist()[:3] == ["of the pool's answers", "untuned", "n = 60, r 16, seed 42"]
    swallow = rows["Swallow stand-in", "F16"]
    assert swallow["items"] == 200 and swallow["forward"] == pytest.approx(0.6, abs=0.03)
    assert swallow["verdict"] == "above" and swallow["p_holm"] < 0.001
    assert swallow["difference"] == pytest.approx(0.3, abs=0.03)
    assert rows["Swallow stand-in", "untuned"]["verdict"] == "—"
    assert swallow["probe_held_out"] == rows["Swallow stand-in", "untuned"]["probe_held_out"]
    assert rows["ELYZA stand-in", "F16"]["verdict"] == "—", "its untuned model is not among the files"
    assert swallow["without"] == pytest.approx(0.25, abs=0.05)


def test_a_domain_too_small_for_a_probe_has_its_tables_all_the_same(tmp_path):
    study = add_compared(write_study(tmp_path, questions=8), questions=8)
    for path in (tmp_path / "probe").glob("*.csv"):
        write_probe(path, [])
    for key, table in all_tables(study).items():
        write_table(key, table, csv=tmp_path / f"{key}.csv", md=tmp_path / f"{key}.md", level=0.95)
        assert text_of(key, read_table(tmp_path / f"{key}.csv"), 0.95) == text_of(key, table, 0.95)
    assert "The domain is too small for a probe." in (tmp_path / "probe_types.md").read_text(encoding="utf-8")


def test_a_format_whose_probe_degrades_is_not_shipped(study):
    all_tables(study)
    path = study.path("tables/ladder.csv")
    table = read_table(path)
    smallest = (table["model"] == "swallow") & (table["variant"] == "q3-imatrix")
    table.loc[smallest, ["probe_verdict", "probe_difference"]] = ["degrades", -0.2]
    table.to_csv(path, index=False)
    row = ship(study).set_index("model").loc["swallow"]
    assert (
        row["recommended"] == "Q4_K_M + imatrix" and "Q3_K_M + imatrix: its probe is shown to degrade" in row["reason"]
    )
    assert row["selected_on"] == "development questions"


def test_formats_are_selected_on_the_development_questions(study, tmp_path):
    """Where these say that a file loses much, it is not shipped, whatever the test questions say."""
    ladders = []
    for path in study.ladders:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        lossy = content["variants"]["q3-imatrix"]["development"]
        lossy["nats"] = [nats + 100 for nats in lossy["nats"]]
        ladders.append(str(tmp_path / Path(path).name))
        Path(ladders[-1]).write_text(json.dumps(content), encoding="utf-8")
    files = {"times": study.ladder_times, "probe": study.probe_ladders}
    table = ladder_table(ladder=ladders, **files, names=study.names, **SETTINGS).set_index(["model", "variant"])
    row = table.loc["swallow", "q3-imatrix"]
    assert row["dev_nll_difference"] > 1 > row["nll_difference"]
    table.reset_index().to_csv(study.path("tables/ladder.csv"), index=False)
    row = ship(study).set_index("model").loc["swallow"]
    assert row["recommended"] == "Q4_K_M + imatrix" and "Q3_K_M + imatrix: Δ NLL may be" in row["reason"]


def test_the_merge_table_is_against_what_was_trained(study):
    table = all_tables(study)["merge"].set_index(["model", "variant"])
    assert table.loc[("swallow", "merged_dequantized"), "difference"] == 0
    assert table.loc[("swallow", "merged_16bit"), "difference"] == pytest.approx(
        0.004 * table.loc[("swallow", "nf4"), "nll"], rel=0.2
    )
    assert list(table.loc["tanuki"].index) == ["nf4", "merged_16bit", "merged_dequantized"]
    assert list(table.loc["qwen"].index) == ["nf4", "merged_16bit", "merged_dequantized", "f16", "q4"]


def test_table6_follows_its_rule(study):
    table = all_tables(study)["table6"].set_index("model")
    # Swallow's Q3 loses 0.08, over the bound of 0.05; with an importance matrix 0.04. Qwen loses ten times as much.
    assert (
        table["recommended"]["swallow"] == "Q3_K_M + imatrix"
        and table["reason"]["swallow"] == "the smallest that was measured"
    )
    assert table["recommended"]["qwen"] == "Q5_K_M + imatrix" and table["reason"]["qwen"].startswith(
        "Q4_K_M: Δ NLL may be"
    )
    # Every smaller file says why it is not the one, from the largest to the smallest.
    assert [reason.split(":")[0] for reason in table["reason"]["qwen"].split("; ")] == [
        "Q4_K_M",
        "Q4_K_M + imatrix",
        "Q3_K_M",
        "Q3_K_M + imatrix",
    ]
    assert table["nll_difference_high"]["swallow"] < 0.05 and table["top1_low"]["swallow"] > 0.9
    assert table["recommended"]["tanuki"] == "NF4" and "refuses the tokenizer" in table["reason"]["tanuki"]
    assert set(table["attention"]) == {"GQA"}
    none = ship(study, max_delta_nll=-1).set_index("model").loc["qwen"]
    assert none["recommended"] == "F16" and none["share_of_f16"] == 1
    assert none["reason"].startswith("no smaller file passes; Q8_0") and none["reason"].count("Δ NLL may be") == 10


def test_every_table_has_a_rule_of_its_file_s_name_and_what_builds_it():
    files = (
        REPOSITORY / "rules" / f"{name}.smk" for name in ("tables", "knowledge", "harm", "recipes", "quantization")
    )
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    names = re.findall(r'multiext\("results/\w+/(\w+)", csv="\.csv", md="\.md"\)', text)
    assert names == [name for name, table in TABLES.items() if table.build]
    with_paper = re.findall(r'paper\("(\w+)"\)', text)
    assert with_paper == [name for name, table in TABLES.items() if table.paper]


def test_kinds_of_attention():
    assert [attention(32, 32), attention(32, 8), attention(28, 4), attention(8, 1)] == ["MHA", "GQA", "GQA", "MQA"]
