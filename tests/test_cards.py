"""Model cards: licence and its obligations, metrics with intervals, data, use and limits."""

import json

import pytest
import yaml
from pipeline_copy import REPOSITORY
from synthetic import write_study
from tatara.report.cards import LICENCES, write_card


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("cards"))


def card(study, tmp_path, *, model="swallow", fmt="q4", license="llama3", base=None) -> str:
    (tmp_path / "base.json").write_text(
        json.dumps(base or {"model": model, "source": "hub", "repo": "some/model", "commit": "0123abc"})
    )
    write_card(
        output=tmp_path / "README.md",
        fmt=fmt,
        model={"name": "Swallow-8B", "license": license},
        title="河川砂防",
        notice="",
        judge=study.path(f"judge/judge_{model}_{fmt}.csv"),
        nll=study.path(f"nll/{model}_{fmt}.json"),
        train=study.train[0],
        base=tmp_path / "base.json",
        parity=study.path(f"gguf/{model}-parity.json"),
        selected=study.path("scale/selected.json"),
        judges=["rubric"],
        seed=42,
        level=0.95,
        resamples=200,
    )
    return (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_llama_3_derivative_is_named_so_and_shows_what_it_was_built_with(study, tmp_path):
    text = card(study, tmp_path)
    head = yaml.safe_load(text.split("---\n")[1])
    assert head == {"language": "ja", "license": "llama3", "library_name": "gguf", "tags": ["tatara", "qlora", "gguf"]}
    title = next(line for line in text.splitlines() if line.startswith("# "))
    assert title.startswith("# Llama 3 ") and "Swallow-8B" in title and "Q4_K_M" in title
    assert "**Built with Meta Llama 3**" in text
    assert "some/model at commit 0123abc" in text


def test_metrics_stand_with_their_intervals_and_the_file_with_its_parity(study, tmp_path):
    text = card(study, tmp_path)
    rows = dict(
        line.strip("| ").split(" | ", 1)
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line and len(line) > 6
    )
    assert rows["Average score"].endswith("] of 3") and "[" in rows["Bits per byte of the reference answers"]
    assert "one file of 3.1 MB" in text and "token ids equal" in text
    for heading in ("What it is", "Licence", "Data", "How it measured", "Intended use", "Limits"):
        assert f"## {heading}\n" in text


def test_nf4_has_no_file_and_another_licence_asks_for_other_things(study, tmp_path):
    text = card(study, tmp_path, model="tanuki", fmt="nf4", license="apache-2.0")
    assert "Llama 3" not in text and "Say that the model was changed" in text
    assert "one file of" not in text and "library_name: peft" in text


def test_a_stand_in_has_no_base_model_and_an_unnamed_licence_is_said_to_be_unknown(study, tmp_path):
    assert "No base model's licence applies" in card(
        study, tmp_path, license="unknown", base={"model": "swallow", "source": "scratch"}
    )
    assert "Find the base model's licence" in card(study, tmp_path, license="unknown")


def test_the_papers_models_have_their_licences():
    models = yaml.safe_load((REPOSITORY / "config/paper.yaml").read_text(encoding="utf-8"))["models"]
    assert {name: entry["license"] for name, entry in models.items()} == {
        "swallow": "llama3",
        "elyza": "llama3",
        "qwen": "apache-2.0",
        "tanuki": "apache-2.0",
    }
    assert LICENCES["llama3"].prefix == "Llama 3"
