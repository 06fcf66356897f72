"""What gets an adapter, by the model itself or by patterns, and in which precision its base is trained."""

import json
from pathlib import Path

import pytest
import tiny_models
import torch
from safetensors.torch import load_file
from tatara.evaluate import nll, nll_adapter
from tatara.job.errors import InputError
from tatara.models import loading
from tatara.models.lora_targets import choose_targets, skeleton
from tatara.models.tokenizer import load_tokenizer
from tatara.train import backends, merge
from transformers import GptOssConfig, LlamaConfig, Phi3Config, Qwen3MoeConfig

CPU = torch.device("cpu")
SHAPE = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
ROWS = [{**pair, "category": "設計", "reference": pair["answer"]} for pair in tiny_models.PAIRS[:4]]


def targets_of(config, patterns: list[str] | None = None):
    return choose_targets(skeleton(config), patterns)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_models.make_base(tmp_path_factory.mktemp("targets") / "base", "llama3")


def test_every_linear_layer_whatever_its_name():
    phi = targets_of(Phi3Config(**SHAPE, pad_token_id=0))
    assert phi.modules == ("down_proj", "gate_up_proj", "o_proj", "qkv_proj") and phi.bare == []
    assert phi.coverage["modules"]["self_attn.qkv_proj"] == {"weights": 3 * 64 * 128, "covered": 3 * 64 * 128}
    assert phi.coverage["share"] == 1 and phi.coverage["weights"] == 3 * 64 * (128 + 64 + 2 * 96 + 96)
    assert phi.width == 3 * (64 + 128 + 64 + 64 + 64 + 2 * 96 + 96 + 64)


def test_experts_and_routers_are_adapted_where_they_are_named():
    config = Qwen3MoeConfig(**SHAPE, num_experts=4, moe_intermediate_size=32, mlp_only_layers=[0])
    usual = targets_of(config)
    assert usual.parameters == () and usual.bare == [
        "mlp.experts.gate_up_proj",
        "mlp.experts.down_proj",
        "mlp.gate.weight",
    ]
    assert "mlp.down_proj" in usual.coverage["modules"], "the first block has an MLP of its own"
    # `down_proj` alone would name the experts' matrices as well.
    assert "mlp.down_proj" in usual.modules and "q_proj" in usual.modules
    named = targets_of(config, ["experts.*"])
    assert named.modules == () and named.parameters == ("experts.down_proj", "gate_up_proj")
    assert named.coverage["covered"] == 2 * 4 * (64 * 2 * 32 + 32 * 64)
    assert named.width == 2 * 4 * (64 + 2 * 32 + 32 + 64)
    router = targets_of(GptOssConfig(**SHAPE, num_local_experts=4, pad_token_id=0), ["router.*", "q_proj"])
    assert (router.modules, router.parameters) == (("q_proj",), ("router.weight",))


@pytest.mark.parametrize("patterns", [["qkv_proj"], ["q_proj", "w*"], ["lm_head"], ["proj"]])
def test_a_pattern_that_matches_nothing_is_an_error(patterns):
    with pytest.raises(
        InputError,
        match=rf"config key train\.target_modules: '{patterns[-1].replace('*', '[*]')}' matches no matrix of LlamaForC",
    ):
        targets_of(LlamaConfig(**SHAPE), patterns)


def test_patterns_are_trained_and_reported(base, tmp_path):
    report = tiny_models.train(tmp_path, base, settings={"target_modules": ["self_attn.?_proj", "down_proj"]})
    config = json.loads((tmp_path / "adapter/adapter_config.json").read_text())
    assert config["target_modules"] == ["down_proj", "k_proj", "o_proj", "q_proj", "v_proj"]
    names = {name.split(".")[6] for name in load_file(tmp_path / "adapter/adapter_model.safetensors")}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "down_proj"}
    assert report["coverage"]["modules"]["mlp.gate_proj"]["covered"] == 0 < report["coverage"]["share"] < 1


def test_experts_with_dropout_are_an_error():
    targets = targets_of(GptOssConfig(**SHAPE, num_local_experts=4, pad_token_id=0), ["experts.*"])
    lora = {"r": 8, "alpha": 16, "dropout": 0.0}
    assert backends.lora_config(lora, targets).target_parameters == ["down_proj", "gate_up_proj"]
    with pytest.raises(InputError, match=r"train\.target_modules names down_proj, gate_up_proj, .* set the dropout of"):
        backends.lora_config(lora | {"dropout": 0.05}, targets)


def likelihood(base: Path, model) -> float:
    """Return the NLL of the rows in nats per answer token."""
    pieces = nll_adapter.transformers_pieces(model)
    questions = nll.score(load_tokenizer(base), ROWS, tiny_models.CONVERSATION, "a", pieces)
    return nll.summary("a", "a", questions)["nll"]


@pytest.mark.parametrize(("precision", "same"), [("bf16", True), ("nf4", False)])
def test_a_base_in_sixteen_bits_is_merged_as_it_was_trained(base, tmp_path, precision, same):
    """The merged model has the trained one's likelihoods, which that of NF4 has not; the report says which it was."""
    report = tiny_models.train(tmp_path, base, settings={"base_precision": precision, "epochs": 4})
    assert report["base_precision"] == precision
    merge.merge(base, tmp_path / "adapter", tmp_path / "merged", 1)
    trained = likelihood(base, loading.load_adapted(base, tmp_path / "adapter", CPU, precision))
    as_trained = likelihood(base, merge.merge_as_trained(base, tmp_path / "adapter", CPU, precision))
    merged = likelihood(base, loading.load_model(tmp_path / "merged", CPU))
    assert as_trained == pytest.approx(trained, rel=1e-3)
    assert (abs(merged / trained - 1) < 1e-3) == same, (merged, trained)


def test_checkpointing_changes_nothing_on_sixteen_bits(base, tmp_path):
    settings = {"base_precision": "bf16"}
    plain = tiny_models.train(tmp_path / "plain", base, settings=settings)
    again = tiny_models.train(tmp_path / "again", base, settings=settings | {"gradient_checkpointing": True})
    assert [step["loss"] for step in again["steps"]] == pytest.approx(
        [step["loss"] for step in plain["steps"]], rel=1e-5
    )
