"""The whole pipeline by its smoke configuration: what it makes, what it makes again, and what it leaves alone."""

import csv
import itertools
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from statistics import mean

import pytest
import slurm_cluster
from finished_files import differing
from pipeline_copy import ENVIRONMENT, FOREIGN_LOCALE, Copy, edited
from tatara.files.jsonl import read_jsonl

TRAINING = {"base_scratch", "train_scale", "train_selected"}


def test_all_files_are_there(smoke: Copy):
    results = smoke.folder / "results"
    for name in ("llama", "tanuki"):
        assert (results / f"merged/{name}/model.safetensors").stat().st_size > 100_000
    for name in ("llama-f16", "llama-q4"):
        assert (results / f"gguf/{name}.gguf").read_bytes()[:4] == b"GGUF"
    assert not (results / "gguf/tanuki-f16.gguf").exists()
    names = ("llama_f16", "llama_q4", "tanuki_nf4", "llama_base", "tanuki_base", "llama_base_graph", "llama_f16_graph")
    for name in names:
        with (results / f"judge/judge_{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 8
        assert all(row["score"] in "0123" and row["reason"] for row in rows)
    with (results / "tables/at_hand.csv").open(encoding="utf-8") as file:
        assert [row["format"] for row in csv.DictReader(file)] == ["base", "base_graph", "f16", "f16_graph"]
    assert json.loads((results / "nll/llama_n0.json").read_text())["name"] == "llama_n0"
    report = (results / "report.html").read_text(encoding="utf-8")
    assert "Smoke run" in report
    assert not re.search(r"""(src|href)=["']https?://""", report)


def test_parity(smoke: Copy):
    parity = json.loads((smoke.folder / "results/gguf/llama-parity.json").read_text())
    assert parity["formats"]["f16"]["token_ids_equal"]
    assert parity["formats"]["f16"]["lines"] > 100
    assert parity["formats"]["f16"]["mean_kl"] < 1e-4 < parity["formats"]["q4"]["mean_kl"]
    without = json.loads((smoke.folder / "results/gguf/tanuki-parity.json").read_text())
    assert not without["gguf"] and "asks for no GGUF format" in without["reason"]


def test_train_report(smoke: Copy):
    report = json.loads((smoke.folder / "results/adapters/llama_n24_r16_s42/train.json").read_text())
    assert [step["step"] for step in report["steps"]] == [1, 2, 3]
    assert report["effective_batch_size"] == 8
    assert len(report["first_batch"]) == 2
    assert all(text.endswith("<|eot_id|>") for text in report["first_batch"])
    assert report["peak_memory_bytes"] > 0
    assert report["versions"]["torch"]


def test_a_second_run_does_nothing(smoke: Copy):
    done = smoke.snakemake("all", "--cores", "2")
    assert "Nothing to be done" in done.stdout


def test_one_figure_is_one_job(smoke: Copy):
    figure = smoke.folder / "results/figures/fig06_scale_nll.png"
    before = figure.read_bytes()
    figure.unlink()
    done = smoke.snakemake("results/figures/fig06_scale_nll.png", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert re.search(r"total +1\b", done.stdout), done.stdout
    assert figure.read_bytes() == before


def test_a_template_reruns_what_follows(smoke: Copy):
    with edited(smoke.folder / "resources/templates/v2.yaml", lambda text: text + "\n# changed\n"):
        planned = smoke.planned("all")
    assert {"qa_pairs", "pool", "subsets", "train_scale", "report"} <= planned.keys()
    assert "base_scratch" not in planned
    assert "graph" not in planned


def test_a_config_value_reruns_what_it_decides(smoke: Copy):
    with edited(
        smoke.folder / "config/smoke.yaml", lambda text: text.replace("max_new_tokens: 24", "max_new_tokens: 23")
    ):
        planned = smoke.planned("all")
    assert {"answers_gguf", "answers_nf4", "judge"} <= planned.keys()
    assert not planned.keys() & {*TRAINING, "merge", "convert", "nll_scale"}


def test_a_models_own_longest_answer_makes_its_answers_again_and_no_others(smoke: Copy):
    own = "    name: Tanuki stand-in\n"
    with edited(smoke.folder / "config/smoke.yaml", lambda text: text.replace(own, own + "    max_new_tokens: 23\n")):
        planned = smoke.planned("all")
    assert planned["answers_nf4"] == 1 and "answers_gguf" not in planned
    assert not planned.keys() & {*TRAINING, "merge", "convert", "nll_scale"}


def test_a_changed_base_is_built_again_while_data_is_made_again(smoke: Copy):
    with (
        edited(smoke.folder / "config/smoke.yaml", lambda text: text.replace("seed: 4, steps: 8", "seed: 4, steps: 9")),
        edited(smoke.folder / "resources/templates/v2.yaml", lambda text: text + "\n# changed\n"),
    ):
        planned = smoke.planned("all")
    assert planned["base_scratch"] == 1
    assert planned["qa_pairs"] == 1


def test_gpu_rules_never_overlap(smoke: Copy):
    """The session's run had two cores and `gpu=1`: of the rules that declare a GPU no two ran at the same time."""
    text = "".join(path.read_text() for path in (smoke.folder / "rules").glob("*.smk"))
    gpu_rules = {
        block.split(":")[0]
        for block in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]
        if re.search(r"^\s+gpu=1", block, re.MULTILINE)
    }
    assert {"base_scratch", "train_scale", "train_selected", "nll_scale", "answers_gguf", "answers_nf4"} <= gpu_rules
    spans: dict[str, tuple[float, float]] = {}
    for path in (smoke.folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            entry = json.loads(path.read_text())
            if entry["rule"] in gpu_rules:  # one entry an output, with times of its own; a job's outputs share its log
                (job,) = entry["log"]
                start, end = spans.get(job, (entry["starttime"], entry["endtime"]))
                spans[job] = min(start, entry["starttime"]), max(end, entry["endtime"])
    assert len(spans) >= 12
    for (_, end), (start, _) in itertools.pairwise(sorted(spans.values())):
        assert start >= end, (spans, start, end)


def test_the_graph_of_rules_is_drawn(smoke: Copy, tmp_path):
    for kind in ("--dag", "--rulegraph"):
        done = subprocess.run(smoke.command("all", kind), cwd=smoke.folder, capture_output=True, text=True)
        assert done.stdout.startswith("digraph"), done.stdout[:200]
    svg = tmp_path / "rules.svg"
    subprocess.run(
        [sys.executable, smoke.folder / "tools/draw_rulegraph.py", svg], input=done.stdout, text=True, check=True
    )
    assert svg.read_text().count('<g id="text_') > 20


@pytest.mark.parametrize("name", ["config", "gemma", "lab", "paper", "smollm2", "smoke", "wide"])
def test_every_configuration_dry_runs(copy: Copy, name: str):
    if name == "lab":  # its text is the user's to bring
        missing = copy.snakemake("all", "--dry-run", config="config/lab.yaml")
        assert (
            missing.returncode and "config key corpus.glob is 'corpus/*.md', and no file matches it" in missing.stdout
        )
        (copy.folder / "corpus").mkdir()
        (copy.folder / "corpus/a.md").write_text(
            "堤防の高さは、計画高水位に余裕高を加えた高さ以上とする。\n", encoding="utf-8"
        )
    done = copy.snakemake("all", "--dry-run", "--cores", "2", config=f"config/{name}.yaml")
    assert done.returncode == 0, done.stdout
    assert "train_scale" in done.stdout


def test_answers_as_long_as_asked_questions_that_name_all_facts_and_no_pair_near_a_test_question(copy: Copy):
    study = copy.folder / "config/smoke.yaml"
    text = study.read_text(encoding="utf-8")
    assert "\nqa:\n" in text and "\ntestset:\n" in text
    text = text.replace("\nqa:\n", "\nqa:\n  answer_chars: {aim: 300, most: 340}\n  ask_for_all: true\n")
    text = text.replace("\ntestset:\n", "\ntestset:\n  near: leave_out\n")
    study.write_text(text, encoding="utf-8")
    done = copy.snakemake("results/testset/overlap.json", "--cores", "2")
    assert done.returncode == 0, done.stdout
    results = copy.folder / "results"
    with (results / "qa/near.csv").open(encoding="utf-8", newline="") as file:
        near = {row["id"] for row in csv.DictReader(file) if float(row["containment"]) > 0.5}
    pool, pairs = (read_jsonl(results / f"qa/{name}.jsonl") for name in ("pool", "qa_pairs"))
    assert near and near <= {pair["id"] for pair in pairs} and near.isdisjoint(pair["id"] for pair in pool)
    assert json.loads((results / "testset/overlap.json").read_text())["max_containment"] <= 0.5
    assert mean(len(pair["answer"]) for pair in pool) < 320
    naming = {"あわせて、", "また、", "それに加えて、", "さらに、"}
    assert any(f"。{word}" in pair["question"] for pair in pool for word in naming)


@pytest.mark.skipif(not slurm_cluster.missing(), reason="the run through Slurm (test_slurm.py) is the second one")
def test_two_clean_runs_are_identical(finished: Copy, copy: Copy):
    """The second run has two GPU jobs at once and a locale that knows no Japanese."""
    environment = {**ENVIRONMENT, **FOREIGN_LOCALE}
    command = copy.command("all", "--cores", "2", "--resources", "gpu=2")
    done = subprocess.run(command, cwd=copy.folder, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert differing(copy.folder / "results", finished.folder / "results") == []


def test_snakemakes_own_report_has_the_figures_with_captions_and_categories(smoke: Copy, tmp_path):
    done = smoke.snakemake("all", "--report", str(tmp_path / "report.zip"))
    assert done.returncode == 0, done.stdout[-2000:]
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        names = archive.namelist()
        text = "".join(
            archive.read(name).decode("utf-8", "replace") for name in names if name.endswith((".html", ".js"))
        )
    assert sum(Path(name).name.startswith("fig") and name.endswith(".svg") for name in names) == 11
    assert "The pipeline, from its own rules" in text
    assert all(f'"{category}"' in text for category in ("Scale", "Models", "Quantization", "Data"))
