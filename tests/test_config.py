"""The configuration is read strictly."""

import copy
from pathlib import Path

import pytest
import yaml
from pipeline_copy import REPOSITORY
from tatara.files.config import check_config
from tatara.job.errors import InputError

SCHEMA = REPOSITORY / "config/schema.yaml"


@pytest.fixture
def smoke_config() -> dict:
    return yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))


def test_defaults_are_the_papers(smoke_config):
    smoke_config.pop("train")
    config = check_config(smoke_config, SCHEMA)
    assert config["train"]["learning_rate"] == 2e-4
    assert config["train"]["batch_size"] == 8
    assert (config["stage1"]["r"], config["stage1"]["alpha"], config["stage1"]["dropout"]) == (16, 16, 0.0)
    assert (config["stage2"]["r"], config["stage2"]["alpha"], config["stage2"]["dropout"]) == (32, 16, 0.05)


def test_the_given_configuration_is_left_as_it_is(smoke_config):
    before = copy.deepcopy(smoke_config)
    check_config(smoke_config, SCHEMA)
    assert smoke_config == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(modls={}), "unknown config key modls: did you mean models?"),
        (
            lambda c: c["models"]["llama"].update(fomats=[]),
            "unknown config key models.llama.fomats: did you mean formats?",
        ),
        (
            lambda c: c["models"]["llama"]["source"]["scratch"].update(hidden_size=100),
            "models.llama.source.scratch.hidden_size",
        ),
        (lambda c: c.pop("stage1"), "config key stage1 is missing"),
        (
            lambda c: c["stage1"].update(model="lama"),
            "config key stage1.model is 'lama': expected one of models, llama, tanuki",
        ),
        (lambda c: c["train"].update(micro_batch_size=3), "must divide train.batch_size, 8"),
        (lambda c: c["models"]["llama"]["source"]["scratch"].update(kv_heads=3), "must divide heads, 8"),
        (lambda c: c["rebalance"].update(target_share={"HAS_CHAPTER": 0.1}), "both name HAS_CHAPTER"),
        (lambda c: c["graph"].pop("nodes"), "config key graph.nodes is missing: the source csv needs it"),
        (
            lambda c: c["graph"].update(neo4j={"uri": "http://localhost:7474"}),
            "graph.neo4j.uri is 'http://localhost:7474'; expected bolt://host:port",
        ),
        (
            lambda c: c["graph"].update(neo4j={"password": "x"}),
            "unknown config key graph.neo4j.password: known keys: uri, user, database",
        ),
        (lambda c: c.update(ollama={"url": "http://me:x@host"}), "config key ollama.url holds a user or password"),
        (
            lambda c: c["models"]["llama"].update(continued={"steps": 1}),
            "a scratch model is pretrained by its own steps",
        ),
    ],
)
def test_each_mistake_is_named(smoke_config, change, message):
    change(smoke_config)
    with pytest.raises(InputError) as error:
        check_config(smoke_config, SCHEMA)
    assert message in str(error.value)


def test_a_password_in_an_address_is_refused_and_not_repeated(smoke_config):
    smoke_config["graph"]["neo4j"] = {"uri": "bolt://neo4j:hidden-4d@host:7687"}
    with pytest.raises(InputError, match=r"graph\.neo4j\.uri holds a user or password") as error:
        check_config(smoke_config, SCHEMA)
    assert "hidden-4d" not in str(error.value)


def test_every_key_is_described():
    def walk(schema: dict, where: str):
        for key, part in schema.get("properties", {}).items():
            assert part.get("description"), f"{where}{key} has no description"
            walk(part, f"{where}{key}.")
        if isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"], f"{where}*.")
        elif "properties" in schema:
            assert schema["additionalProperties"] is False, where

    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    schema["properties"] = {key: value for key, value in schema["properties"].items()}
    walk(schema, "")


def test_paper_configuration_is_the_papers():
    config = check_config(yaml.safe_load(Path(REPOSITORY, "config/paper.yaml").read_text(encoding="utf-8")), SCHEMA)
    assert config["subsets"]["sizes"] == [1000, 2000, 3000, 4000, 5000]
    assert sum(config["qa"]["target_counts"].values()) == 5578
    assert [model["formats"] for model in config["models"].values()] == [["f16", "q4"]] * 3 + [["nf4"]]
