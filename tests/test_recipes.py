"""Recipes: ways to train one model, measured on the development questions and set beside each other."""

import csv
import math

import pytest
import test_probe_scores
import tiny_models
import yaml
from pipeline_copy import REPOSITORY, Copy
from tatara.evaluate.recipe import RecipeFiles, measure_recipe
from tatara.files.config import check_config
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.files.recipes import arms_of
from tatara.job.errors import InputError
from tatara.measure.results import read_json
from tatara.report.tables.recipes import recipes_table
from tatara.report.tables.registry import write_table

HOW = {"seed": 1, "level": 0.95, "resamples": 300}
ROWS = [
    {
        "id": f"d{n}",
        "category": "設計",
        "question": pair["question"],
        "reference": pair["answer"],
        "facts": [["出水期前"], ["毎年"]],
        "citations": [],
    }
    for n, pair in enumerate(tiny_models.PAIRS)
]
NEUTRAL = [{"id": f"n{n}", "text": text} for n, text in enumerate(("朝の空は青い。", "猫が眠る。", "茶を飲みます。"))]


def study() -> dict:
    """Return the smoke study's configuration with recipes of three arms."""
    config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["train"] = {"general_pairs": "resources/general/pairs.jsonl"}
    config["recipes"] = {
        "model": "llama",
        "n": 16,
        "arms": {
            "paper": {"name": "LoRA"},
            "whole": {"name": "all weights", "n": 24, "train": {"weights": "all", "base_precision": "bf16"}},
            "general": {"name": "a tenth of general pairs", "train": {"general_share": 0.1}},
            "other": {"name": "another base", "model": "tanuki", "r": 4, "dropout": 0.1},
        },
    }
    return config


def test_the_rules_train_each_arm_once_and_measure_what_was_not_trained_as_well(copy: Copy):
    config = copy.folder / "config/smoke.yaml"
    config.write_text(yaml.safe_dump(study(), allow_unicode=True), encoding="utf-8")
    planned = copy.planned("results/tables/recipes.csv", "--profile", "profiles/slurm", config="config/smoke.yaml")
    assert (planned["train_recipe"], planned["measure_recipe"], planned["coverage_dev"]) == (4, 6, 1)
    assert planned["general_pairs"] == 1
    drawn = copy.planned("results/figures/fig01_pipeline.png", config="config/smoke.yaml")
    assert drawn["fig01_pipeline"] == 1  # which asks every rule for its inputs
    assert planned["base_scratch"] == 2 and not {"train_scale", "scale", "merge"} & planned.keys()
    settings = yaml.safe_load((REPOSITORY / "profiles/slurm/profile.yaml").read_text(encoding="utf-8"))
    assert {"train_recipe", "measure_recipe"} <= settings["set-resources"].keys() & settings["set-threads"].keys()


def test_an_arm_is_the_study_with_what_it_changes():
    config = check_config(study(), REPOSITORY)
    arms = arms_of(config)
    assert list(arms) == ["untuned", "untuned-tanuki", "paper", "whole", "general", "other"]
    assert [arm["n"] for arm in arms.values()] == [0, 0, 16, 24, 16, 16]
    assert arms["paper"]["train"] == config["train"]
    assert arms["whole"]["train"] == config["train"] | {"weights": "all", "base_precision": "bf16"}
    assert arms["general"]["train"] == config["train"] | {"general_share": 0.1}
    assert arms["other"]["lora"] == {"r": 4, "alpha": config["stage1"]["alpha"], "dropout": 0.1}
    assert arms["untuned-tanuki"]["name"] == "Tanuki stand-in, untuned"
    assert arms_of(config | {"recipes": None}) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda r: r["arms"]["whole"].update(n=20),
            r"recipes\.arms\.whole\.n is 20: expected one of subsets\.sizes, 16, 24",
        ),
        (lambda r: r.update(model="lama"), r"recipes\.model is 'lama': expected one of models, llama, tanuki"),
        (
            lambda r: r["arms"]["whole"]["train"].update(base_precision="nf4"),
            r"recipes\.arms\.whole\.train\.weights is all",
        ),
        (
            lambda r: r["arms"]["paper"].update(train={"epoch": 1}),
            r"recipes\.arms\.paper\.train\.epoch: did you mean epochs",
        ),
        (lambda r: r["arms"].update({"untuned-x": {"name": "x"}}), r"untuned-x"),
        (
            lambda r: r["arms"]["paper"].update(train={"epochs": 0}),
            r"recipes\.arms\.paper\.train\.epochs: 0 is less than",
        ),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    config = study()
    change(config["recipes"])
    with pytest.raises(InputError, match=message):
        check_config(config, REPOSITORY)


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict:
    """Two arms of a tiny model and the model untuned, measured as the rules do."""
    folder = tmp_path_factory.mktemp("recipes")
    base = tiny_models.make_base(folder / "base", "llama3")
    whole = {"weights": "all", "base_precision": "bf16", "learning_rate": 1e-2, "epochs": 20}
    arms = {
        "untuned": {"name": "untuned", "model": "tiny", "n": 0},
        "paper": {"name": "LoRA", "model": "tiny", "n": 10},
        "whole": {"name": "all weights", "model": "tiny", "n": 10},
    }
    write_jsonl(folder / "dev.jsonl", ROWS)
    # the first fact of each question is taught, and of the last two both
    with (folder / "coverage.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "category", "n", "facts", "taught", "taught_facts", "pairs", "question"])
        for number, row in enumerate(ROWS):
            taught = [1, "0", "1;0", "partly"] if number < len(ROWS) - 2 else [2, "0;1", "1;1", "taught"]
            writer.writerow([row["id"], "dev", "設計", 10, 2, *taught])
    files = {}
    for arm, settings in (("untuned", None), ("paper", {}), ("whole", whole)):
        place = folder / arm
        if settings is not None:
            tiny_models.train(place, base, settings=settings)
        place.mkdir(exist_ok=True)
        names = {"nll": "nll.json", "probe": "probe.csv", "neutral": "neutral.jsonl", "answers": "answers.jsonl"}
        names |= {"seconds": "answers_seconds.csv", "judge": "judge.csv"}
        files[arm] = RecipeFiles(**{key: place / name for key, name in names.items()})
        measure_recipe(
            name=f"recipe_{arm}",
            model="tiny",
            base=base,
            adapter=place / "adapter" if settings is not None else None,
            rows=ROWS,
            items=test_probe_scores.ITEMS,
            neutral=NEUTRAL,
            conversation=tiny_models.CONVERSATION,
            precision="bf16" if settings else "nf4",
            limit=24,
            context=256,
            batch_size=4,
            threads=1,
            files=files[arm],
            unfinished=place / "unfinished.jsonl",
            device="cpu",
        )
        assert not (place / "unfinished.jsonl").exists()
    return {"folder": folder, "arms": arms, "files": files}


@pytest.fixture(scope="module")
def table(measured):
    folder, files = measured["folder"], measured["files"].values()
    inputs = {key: [str(getattr(one, key)) for one in files] for key in RecipeFiles.__annotations__}
    return recipes_table(
        **inputs,
        train=[str(folder / arm / "train.json") for arm in ("paper", "whole")],
        dev=str(folder / "dev.jsonl"),
        coverage=str(folder / "coverage.csv"),
        arms=measured["arms"],
        **HOW,
    ).set_index("arm")


def test_likelihoods_against_the_first_way_that_trains(measured, table):
    assert list(table.index) == ["untuned", "paper", "whole"]
    for arm, files in measured["files"].items():
        content = read_json(files.nll)
        assert content["name"] == f"recipe_{arm}" and table.loc[arm, "nll"] == pytest.approx(content["nll"])
    assert math.isnan(table.loc["paper", "difference"]) and table.loc["paper", "verdict"] == "reference"
    assert table.loc["whole", "difference"] == pytest.approx(table.loc["whole", "nll"] - table.loc["paper", "nll"])
    assert table.loc["whole", "difference_high"] < 0 and table.loc["whole", "verdict"] == "improves"


def test_what_was_taught_is_scored_apart(measured, table):
    """A model that has its pairs by heart holds the fact that stands in them, and never the other."""
    answers = read_jsonl(measured["files"]["whole"].answers)
    held = sum("出水期前" in row["answer"] for row in answers)
    assert held >= 8, answers
    assert table.loc["whole", "recall_taught"] == pytest.approx(held / (len(ROWS) + 2))
    assert table.loc["whole", "recall_untaught"] == 0 and table.loc["untuned", "recall_taught"] == 0
    assert list(table["taught_questions"]) == [2, 2, 2]


def test_neutral_text_against_the_untuned_model(measured, table):
    def bits(arm: str) -> float:
        rows = read_jsonl(measured["files"][arm].neutral)
        return sum(row["nats"] for row in rows) / math.log(2) / sum(row["bytes"] for row in rows)

    for arm in ("paper", "whole"):
        assert table.loc[arm, "bits"] == pytest.approx(bits(arm))
        assert table.loc[arm, "bits_change"] == pytest.approx(bits(arm) - bits("untuned"))
    assert math.isnan(table.loc["untuned", "bits_change"]) and math.isnan(table.loc["untuned", "epochs"])
    assert (
        table.loc["whole", "parameters"] == read_json(measured["folder"] / "whole/train.json")["trainable_parameters"]
    )


def test_the_table_is_written_with_every_row(table, tmp_path):
    write_table("recipes", table.reset_index(), csv=tmp_path / "r.csv", md=tmp_path / "r.md", level=0.95, notice="")
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| untuned | 0 | — | — | — |" in text and "| all weights | 10 | 20 |" in text and "nan" not in text
