"""Model cards: licence and its obligations, metrics with intervals, data, use and limits."""

import json

import pytest
import yaml
from pipeline_copy import REPOSITORY
from synthetic import write_study
from tatara.files.json_schema import schema_problems
from tatara.report.cards import derived_name, write_card
from tatara.report.licences import LICENCES


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("cards"))


def card(study, tmp_path, *, model="swallow", fmt="q4", license="llama3", base=None) -> str:
    (tmp_path / "base.json").write_text(
        json.dumps(base or {"model": model, "source": "hub", "repo": "some/model", "commit": "0123abc"})
    )
    write_card(
        pairs="made from a knowledge graph by templates",
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


def head_of(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


def title_of(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("# "))


@pytest.mark.parametrize(
    ("license", "prefix", "banner"),
    [
        ("llama3", "Llama 3 ", "Built with Meta Llama 3"),
        ("llama3.1", "Llama ", "Built with Llama"),
        ("llama3.2", "Llama ", "Built with Llama"),
        ("llama3.3", "Llama ", "Built with Llama"),
    ],
)
def test_a_llama_derivative_is_named_so_and_shows_what_it_was_built_with(study, tmp_path, license, prefix, banner):
    text = card(study, tmp_path, license=license)
    assert head_of(text) == {
        "language": "ja",
        "license": license,
        "library_name": "gguf",
        "tags": ["tatara", "qlora", "gguf"],
    }
    assert title_of(text) == f"# {prefix}Swallow-8B Q4_K_M – 河川砂防"
    assert f"**{banner}**" in text and "700 million users" in text and "Acceptable Use Policy" in text
    version = license.removeprefix("llama")
    assert f"Llama {version} is licensed under the " in text and "Copyright © Meta Platforms, Inc. All Rights" in text
    assert "some/model at commit 0123abc" in text
    assert ("to improve other large language models" in text) is (license == "llama3")


def test_a_name_that_begins_as_the_licence_asks_is_left_as_it_is():
    assert derived_name("Llama-3-ELYZA-JP-8B", "Llama 3") == "Llama-3-ELYZA-JP-8B"
    assert derived_name("Llama-3.1-Swallow-8B", "Llama") == "Llama-3.1-Swallow-8B"
    assert derived_name("Swallow-8B", "Llama 3") == "Llama 3 Swallow-8B"
    assert derived_name("Qwen2.5-7B", "") == "Qwen2.5-7B"


def test_gemma_passes_its_use_restrictions_on_and_lfm_its_limit_of_revenue(study, tmp_path):
    gemma = card(study, tmp_path, license="gemma")
    assert head_of(gemma)["license"] == "gemma" and title_of(gemma).startswith("# Swallow-8B")
    for part in ("use restrictions of section 3.2", "prohibited_use_policy", "a copy of the Gemma Terms of Use"):
        assert part in gemma
    assert "> Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms" in gemma
    assert "they were changed" in gemma
    lfm = card(study, tmp_path, license="lfm")
    head = head_of(lfm)
    assert (head["license"], head["license_name"]) == ("other", "lfm1.0") and head["license_link"].startswith(
        "https://"
    )
    assert "10 million US dollars" in lfm and "attribution notices" in lfm


def test_a_licence_that_is_not_listed_has_its_name_and_leads_to_its_text(study, tmp_path):
    text = card(study, tmp_path, license={"name": 'A "Free" Licence: 1.0', "url": "https://a.example/licence"})
    head = head_of(text)
    assert head["license"] == "other" and head["license_name"] == 'A "Free" Licence: 1.0'
    assert head["license_link"] == "https://a.example/licence"
    assert '[A "Free" Licence: 1.0](https://a.example/licence)' in text and "by its name alone" in text


def _license_problems(value: object) -> list[str]:
    schema = yaml.safe_load((REPOSITORY / "config/schema.yaml").read_text(encoding="utf-8"))
    part = schema["properties"]["models"]["additionalProperties"]["properties"]["license"]
    return schema_problems({"license": value}, {"properties": {"license": part}})


def test_the_configuration_knows_the_licences_of_the_cards():
    for name in LICENCES.keys() - {"none"}:
        assert _license_problems(name) == []
    assert _license_problems({"name": "A", "url": "https://a.example"}) == []
    (wrong,) = _license_problems("none")
    assert wrong.startswith("key license: expected one of llama3, llama3.1, llama3.2") and "another licence" in wrong
    (missing,) = _license_problems({"name": "A"})
    assert missing.startswith("key license.url is missing: Where its text is")
    assert "license.url" in _license_problems({"name": "A", "url": "a.example"})[0]
    assert "license" in _license_problems(3)[0]


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


def test_characters_without_a_token_are_listed(study, tmp_path):
    text = card(study, tmp_path, model="elyza")
    assert "Of 61,000 characters of these lines 7 have no token of their own: 閘 (5), 汀 (2)." in text
    assert "writes them as they are, and reads them as unknown" in text
    assert "no token of their own" not in card(study, tmp_path)


def test_nf4_has_no_file_and_another_licence_asks_for_other_things(study, tmp_path):
    text = card(study, tmp_path, model="tanuki", fmt="nf4", license="apache-2.0")
    assert "Llama 3" not in text and "Say prominently in the changed files that they were changed" in text
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
