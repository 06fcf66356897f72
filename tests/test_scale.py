"""The comparison of training sizes: status by a paired test, selection by rule."""

import json
import math

import pytest
import yaml
from pipeline_copy import Copy
from synthetic import nll_content, write_study
from synthetic_compared import add_compared
from tatara.data.coverage import COLUMNS as COVERAGE_COLUMNS
from tatara.files.jsonl import write_jsonl
from tatara.job.errors import InputError
from tatara.measure.recall_by_size import select_by_recall
from tatara.measure.results import read_json
from tatara.measure.selection import select
from tatara.measure.sizes import COLUMNS, read_scale, scale_rows, size_rows, write_scale
from tatara.measure.stats import Resampling
from tatara.report.figures import fig06_scale_nll
from tatara.report.tables.table2 import LAYOUT, table2
from tatara.report.text_table import lay_out


def runs(folder, per_question, seeds=(1,)):
    """Write one run for each size and seed from `n -> nats a token of each question`; return the two lists of files."""
    train, nll = [], []
    for seed in seeds:
        for n, losses in per_question.items():
            run = f"m_n{n}_r16_s{seed}"
            questions = [
                {"id": f"q{i}", "category": "c", "nats": 50 * loss, "tokens": 50, "bytes": 200}
                for i, loss in enumerate(losses)
            ]
            report = {"run": run, "model": "m", "n": n, "r": 16, "seed": seed, "final_loss": 1.0, "mean_loss": 1.5}
            for kind, content, files in (("train", report, train), ("nll", nll_content(run, "m", questions), nll)):
                path = folder / f"{run}-{kind}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                files.append(str(path))
    return train, nll


HARD = [1.0 + 0.05 * i for i in range(30)]
STEPS = {
    100: HARD,
    300: [loss - 0.1 - 0.002 * (i % 3) for i, loss in enumerate(HARD)],
    200: [loss + 0.05 * (-1) ** i for i, loss in enumerate(HARD)],
    400: [loss + 0.2 + 0.01 * (i % 2) for i, loss in enumerate(HARD)],
}


def test_status_of_each_size_against_the_one_before(tmp_path):
    train, nll = runs(tmp_path, STEPS)
    rows = scale_rows(train[::-1], nll, Resampling(42, 2000))
    assert [(row["n"], row["status"]) for row in rows] == [
        (100, "first"),
        (200, "not distinguishable"),
        (300, "better"),
        (400, "worse"),
    ]
    better = rows[2]
    assert better["delta_nll"] == pytest.approx(rows[2]["nll"] - rows[1]["nll"]) and better["delta_high"] < 0
    assert better["ppl"] == pytest.approx(math.exp(better["nll"])) and better["bits_per_byte"] == pytest.approx(
        better["nll"] / 4 / math.log(2)
    )
    # Every question of these has four bytes a token, so the intervals are the same ones in other units.
    for end in ("_low", "_high"):
        assert better[f"ppl{end}"] == pytest.approx(math.exp(better[f"nll{end}"]))
        assert better[f"bits_per_byte{end}"] == pytest.approx(better[f"nll{end}"] / 4 / math.log(2))
    assert rows[3]["p_value"] < 0.05 < rows[1]["p_value"]
    # The questions differ by more than the sizes: intervals overlap, the paired test decides.
    assert rows[1]["nll_low"] < rows[2]["nll_high"] and rows[2]["nll_low"] < rows[1]["nll_high"]


def test_the_file_holds_every_column_and_reads_back(tmp_path):
    train, nll = runs(tmp_path, STEPS)
    rows = scale_rows(train, nll, Resampling(42, 200))
    write_scale(rows, tmp_path / "scale.csv")
    text = (tmp_path / "scale.csv").read_text(encoding="utf-8")
    assert (
        text.splitlines()[0] == ",".join(COLUMNS) and text.splitlines()[1].endswith(",,,,,first") and "\r" not in text
    )
    again = read_scale(tmp_path / "scale.csv")
    assert again[1:] == rows[1:] and math.isnan(again[0]["delta_nll"]) and again[0]["nll"] == rows[0]["nll"]
    write_scale(scale_rows(train, nll, Resampling(42, 200)), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == text


def test_each_seed_is_compared_with_itself_and_a_size_over_its_seeds(tmp_path):
    train, nll = runs(tmp_path, STEPS, seeds=(1, 2))
    rows = scale_rows(train, nll, Resampling(42, 500))
    assert [(row["n"], row["seed"]) for row in rows] == [(n, seed) for n in sorted(STEPS) for seed in (1, 2)]
    assert [row["status"] for row in rows[:2]] == ["first", "first"]
    sizes = size_rows(rows, nll, Resampling(42, 500))
    assert [row["seeds"] for row in sizes] == [2, 2, 2, 2] and sizes[0]["sd_over_seeds"] == 0.0
    assert [row["status"] for row in sizes] == ["first", "not distinguishable", "better", "worse"]


def test_one_seed_gives_a_size_the_figures_of_its_run(tmp_path):
    train, nll = runs(tmp_path, STEPS)
    rows = scale_rows(train, nll, Resampling(42, 500))
    for row, size in zip(rows, size_rows(rows, nll, Resampling(42, 500)), strict=True):
        assert all(
            row[key] == size[key] or row[key] != row[key] for key in size if key not in ("seeds", "sd_over_seeds")
        )
        assert math.isnan(size["sd_over_seeds"])


def test_rules_select_the_minimum_or_the_smallest_size_within_one_standard_error(tmp_path):
    train, nll = runs(tmp_path, STEPS)
    rows = scale_rows(train, nll, Resampling(42, 200))
    best, frugal = select(rows, nll, "min"), select(rows, nll, "one_se")
    assert (best["n"], best["run"], best["rule"]) == (300, "m_n300_r16_s1", "min")
    # NLL 1.725 at 100 and 1.623 at 300, whose standard error over the questions is about 0.08: 100 and 200 lie outside,
    # so both agree.
    assert frugal["n"] == 300 and "no smaller size is within one standard error" in frugal["reason"]
    near = {n: [loss - 0.02 * (n == 300) for loss in HARD] for n in (100, 200, 300)}
    train, nll = runs(tmp_path, near)
    rows = scale_rows(train, nll, Resampling(42, 200))
    assert [select(rows, nll, rule)["n"] for rule in ("min", "one_se")] == [300, 100]
    assert "n = 100 is the smallest size within one standard error" in select(rows, nll, "one_se")["reason"]
    assert "largest size trained" in select(rows, nll, "min")["reason"]


FACTS = [[["出水期前"], ["毎年", "年に一度"]], [["10年"]], []]  # of three questions


def said(folder, answers):
    """Write the development questions and answers to them, `run -> answers`; return what `select_by_recall` takes."""
    rows = [{"id": f"q{n}", "facts": facts} for n, facts in enumerate(FACTS)]
    (folder / "answers").mkdir(exist_ok=True)
    for run, texts in answers.items():
        lines = [{"id": f"q{n}", "answer": text} for n, text in enumerate(texts)]
        write_jsonl(folder / f"answers/{run}.jsonl", lines)
    write_jsonl(folder / "dev.jsonl", rows)
    return [str(folder / f"answers/{run}.jsonl") for run in answers], str(folder / "dev.jsonl")


def test_rule_recall_selects_the_size_whose_answers_hold_most_facts(tmp_path):
    train, nll = runs(tmp_path, {100: HARD, 200: HARD, 300: [loss + 1 for loss in HARD]}, seeds=(1, 2))
    rows = scale_rows(train, nll, Resampling(42, 200))
    none, two, all_three = ["分からない。"] * 3, ["出水期前に行う。", "10年", ""], ["毎年、出水期前。", "10 年", "毎年"]
    texts = {(100, 1): none, (100, 2): none, (200, 1): two, (200, 2): two, (300, 1): none, (300, 2): all_three}
    answers, dev = said(tmp_path, {f"m_n{n}_r16_s{seed}": text for (n, seed), text in texts.items()})
    chosen = select_by_recall(rows, nll, answers, dev)
    # Two of three facts by both seeds of 200; none and all three at 300.
    assert (chosen["n"], chosen["rule"], chosen["recall"]) == (200, "recall", pytest.approx(2 / 3))
    assert chosen["run"] == "m_n200_r16_s1" and chosen["nll"] == pytest.approx(sum(HARD) / 30)
    assert "66.7% of the facts" in chosen["reason"] and "0.0% at n = 100, 50.0% at n = 300" in chosen["reason"]
    assert "smallest NLL is that of n = 100" in chosen["reason"] and "largest size" not in chosen["reason"]
    assert select(rows, nll, "min")["n"] == 100  # which knows nothing
    for seed in (1, 2):  # the smaller one of two equal sizes
        lines = [{"id": f"q{n}", "answer": text} for n, text in enumerate(two)]
        write_jsonl(tmp_path / f"answers/m_n300_r16_s{seed}.jsonl", lines)
    assert select_by_recall(rows, nll, answers, dev)["n"] == 200
    nothing, dev = said(tmp_path, {f"m_n{n}_r16_s{seed}": none for n, seed in texts})
    by_likelihood = select_by_recall(rows, nll, nothing, dev)
    assert (by_likelihood["n"], by_likelihood["recall"]) == (100, 0) and "likelihood decides" in by_likelihood["reason"]
    write_jsonl(tmp_path / "dev.jsonl", [{"id": f"q{n}", "facts": []} for n in range(3)])
    with pytest.raises(InputError, match=r"stage1\.rule is recall, and none of the questions .* has facts"):
        select_by_recall(rows, nll, answers, dev)


def test_the_rules_ask_every_size_and_the_untuned_model_where_recall_selects(copy: Copy):
    path = copy.folder / "config/smoke.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    by_likelihood = copy.planned("results/tables/table2.csv", config="config/smoke.yaml")
    assert not {"answers_scale", "answers_scale_base"} & by_likelihood.keys()
    config["stage1"]["rule"] = "recall"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    planned = copy.planned("results/tables/table2.csv", "--profile", "profiles/slurm", config="config/smoke.yaml")
    assert (planned["answers_scale"], planned["answers_scale_base"], planned["scale"]) == (2, 1, 1)
    assert planned["coverage_dev"] == 1 and "coverage_dev" not in by_likelihood


def test_table_and_figure_show_the_recall_that_a_size_was_selected_by(tmp_path):
    study = add_compared(write_study(tmp_path, sizes=(100, 200), seeds=(1, 2)))
    names = [read_json(path)["name"] for path in (*study.nll_runs, *study.untuned)]
    texts = {name: ["出水期前", "10年" if name.endswith("_s1") else "", ""] for name in names[:-1]}
    answers, dev = said(tmp_path, texts | {names[-1]: [""] * 3})
    given = {"scale": study.path("scale/scale.csv"), "nll": study.nll_runs, "probe": study.probe_runs}
    given |= {"coverage": study.path("testset/coverage.csv"), "untuned": study.untuned}
    how = {"seed": 1, "resamples": 200, "level": 0.95}
    places = {100: ("0", "", ""), 200: ("0", "0", "")}
    lines = [f"q{n},x,facts,{size},1,1,{places[size][n]},1,taught" for size in places for n in range(3)]
    coverage = tmp_path / "coverage_dev.csv"
    coverage.write_text("\n".join([",".join(COVERAGE_COLUMNS), *lines, ""]), encoding="utf-8")
    frame = table2(**given, answers=answers, dev=dev, coverage_dev=str(coverage), **how)
    assert frame["recall"].to_list() == [0.0, 0.5, 0.5]
    # Seed 1 says the first two questions' facts, seed 2 the first one's; 100 pairs teach the first, 200 both, and the
    # untuned model is asked for what 200 teach.
    assert frame["recall_taught"].to_list() == [0, 1, 0.75] and frame["recall_untaught"].to_list() == [0, 0.25, 0]
    assert frame["recall_sd_over_seeds"].to_list()[1:] == pytest.approx([math.sqrt(2) / 6] * 2)
    headings = {"Recall, development", "Recall, taught", "Recall, others", "SD of recall"}
    assert headings <= set(lay_out(LAYOUT, frame).headings)
    without = table2(**given, **how)
    assert without["recall"].isna().all() and not headings & set(lay_out(LAYOUT, without).headings)
    for table, title in ((frame, "Development facts recalled"), (without, "perplexity")):
        table.to_csv(tmp_path / "table2.csv", index=False)
        figure = fig06_scale_nll.draw(
            scale=given["scale"],
            table2=tmp_path / "table2.csv",
            selected=study.path("scale/selected.json"),
            level=0.95,
            untuned=study.untuned,
        )
        assert any(title in axes.get_title("left") for axes in figure.axes)
        lines = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("d: of facts that are taught" in lines) == ("d: of other facts" in lines) == (table is frame)


def test_several_seeds_count_by_their_mean(tmp_path):
    train, nll = runs(tmp_path, {100: HARD, 200: [loss - 0.3 for loss in HARD]}, seeds=(1,))
    more, measured = runs(
        tmp_path, {100: [loss - 0.5 for loss in HARD], 200: [loss + 0.3 for loss in HARD]}, seeds=(2,)
    )
    train, nll = train + more, nll + measured
    rows = scale_rows(train, nll, Resampling(42, 200))
    chosen = select(rows, nll, "min")
    # Means over seeds: HARD - 0.25 at 100, HARD at 200, though seed 1 alone prefers 200.
    assert chosen["n"] == 100 and chosen["nll"] == pytest.approx(sum(HARD) / 30 - 0.25)


def test_a_tie_goes_to_the_smaller_size(tmp_path):
    train, nll = runs(tmp_path, {200: HARD, 100: HARD})
    rows = scale_rows(train, nll, Resampling(42, 200))
    assert (
        select(rows, nll, "min")["n"] == 100
        and rows[1]["status"] == "not distinguishable"
        and rows[1]["p_value"] == 1.0
    )


def test_bad_input_names_the_file_and_the_remedy(tmp_path):
    train, nll = runs(tmp_path, STEPS)
    with pytest.raises(InputError, match=r"no NLL file is called m_n400_r16_s1"):
        scale_rows(train, nll[:-1], Resampling(42))
    shorter = json.loads((tmp_path / "m_n400_r16_s1-nll.json").read_text(encoding="utf-8"))
    shorter["questions"].pop()
    (tmp_path / "m_n400_r16_s1-nll.json").write_text(json.dumps(shorter), encoding="utf-8")
    with pytest.raises(InputError, match=r"m_n400_r16_s1-nll.json: not the questions of .*m_n100"):
        scale_rows(train, nll, Resampling(42))
    with pytest.raises(InputError, match=r"stage1\.rule: unknown rule 'best'"):
        select([], [], "best")
    (tmp_path / "m_n100_r16_s1-train.json").write_text('{"run": ', encoding="utf-8")
    with pytest.raises(InputError, match=r"m_n100_r16_s1-train.json:1: not JSON"):
        scale_rows(train, nll, Resampling(42))


def test_the_papers_u_curve(tmp_path):
    study = write_study(tmp_path, sizes=(1000, 2000, 3000, 4000, 5000), questions=100)
    rows = read_scale(study.path("scale/scale.csv"))
    assert [row["status"] for row in rows][-2:] == ["better", "worse"]
    assert json.loads((tmp_path / "scale" / "selected.json").read_text(encoding="utf-8"))["n"] == 4000
