"""All weights trained in place of an adapter, and loss on the prompt as well: what small models may need."""

import pytest
import tiny_models
import torch
from safetensors.torch import load_file
from tatara.evaluate import nll, nll_adapter
from tatara.job.errors import InputError
from tatara.models import chat, loading
from tatara.models.lora_targets import Targets
from tatara.models.tokenizer import load_tokenizer
from tatara.train import backends, merge, samples

ALL = {"weights": "all", "base_precision": "bf16", "learning_rate": 1e-3}
ROWS = [
    {"id": pair["id"], "category": "設計", "question": pair["question"], "reference": pair["answer"]}
    for pair in tiny_models.PAIRS
]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_models.make_base(tmp_path_factory.mktemp("base") / "base", "llama3")


def likelihood(base, model) -> float:
    pieces = nll_adapter.transformers_pieces(model)
    questions = nll.score(load_tokenizer(base), ROWS, tiny_models.CONVERSATION, "a", pieces)
    return nll.summary("a", "a", questions)["nll"]


def test_all_weights_are_trained_saved_and_merged(base, tmp_path):
    report = tiny_models.train(tmp_path, base, settings=ALL | {"epochs": 4})
    assert report["weights"] == "all" and report["loss_on"] == "answer"
    trained = load_file(tmp_path / "adapter/adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in trained.values()) == report["trainable_parameters"]
    assert report["coverage"]["share"] == 1 and {name.split(".")[-2] for name in trained} >= {"q_proj", "down_proj"}
    before = likelihood(base, loading.load_base(base, CPU, "bf16"))
    after = likelihood(base, loading.load_adapted(base, tmp_path / "adapter", CPU, "bf16"))
    assert after < before - 0.1
    merge.merge(base, tmp_path / "adapter", tmp_path / "merged", 1)
    assert likelihood(base, loading.load_model(tmp_path / "merged", CPU)) == pytest.approx(after, abs=5e-3)
    weights = load_file(tmp_path / "merged/model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.bfloat16}
    original = load_file(base / "model.safetensors")
    changed = {name for name in weights if not torch.equal(weights[name], original[name])}
    assert changed and all("_proj" in name for name in changed)  # embeddings and norms stay


def test_a_killed_training_of_all_weights_goes_on(base, tmp_path, monkeypatch):
    whole = tiny_models.train(tmp_path / "whole", base, settings=ALL)

    class Killed(Exception):
        pass

    from tatara.train import checkpoints

    sealed = checkpoints.SealCallback.on_save

    def on_save(self, args, state, control, **keywords):
        sealed(self, args, state, control, **keywords)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoints.SealCallback, "on_save", on_save)
        tiny_models.train(tmp_path / "killed", base, settings=ALL)
    resumed = tiny_models.train(tmp_path / "killed", base, settings=ALL)
    assert resumed["resumed_from"] and resumed["steps"] == whole["steps"]
    one, other = (load_file(tmp_path / name / "adapter/adapter_model.safetensors") for name in ("whole", "killed"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_loss_on_the_prompt_as_well(base, tmp_path):
    tokenizer = load_tokenizer(base)
    given = samples.Samples.of(tokenizer, tiny_models.PAIRS, tiny_models.CONVERSATION, 256, "all")
    item = given.encoded[0]
    assert samples.labels_of(item, "all") == [chat.IGNORED, *item.input_ids[1:]]
    assert samples.labels_of(item, "answer") == item.labels
    assert given.answer_tokens == given.tokens - len(given.pairs)
    with pytest.raises(InputError, match=r"the labels are not those of train\.loss: all"):
        samples.check_labels(tokenizer, tiny_models.PAIRS[0], item.labels, tiny_models.CONVERSATION, "all")
    report = tiny_models.train(tmp_path, base, settings={"loss": "all"})
    assert report["loss_on"] == "all" and report["answer_tokens"] == 2 * given.answer_tokens
    assert any("点検" in text and tiny_models.SYSTEM in text for text in report["first_batch"])


def test_experts_in_one_matrix_are_refused():
    targets = Targets(("q_proj",), ("gate_up_proj",), 1, {})
    with pytest.raises(InputError, match=r"names gate_up_proj, .*: set train\.weights to lora"):
        backends.lora_config({}, targets, "all")
    assert backends.lora_config({}, Targets(("q_proj",), (), 1, {}), "all").modules_to_save == ["q_proj"]
