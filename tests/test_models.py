"""Prompts, training, merging, conversion, likelihood and answers, on a model of half a million parameters."""

import json
import math
import shutil
from pathlib import Path

import gguf_cases
import pytest
import tiny_models
import torch
from gguf import GGUFReader
from safetensors.torch import load_file
from tatara.evaluate import nll, nll_adapter, nll_gguf
from tatara.job.errors import InputError
from tatara.llama import convert, quantize
from tatara.llama.reader import share_in_other_types
from tatara.models import chat, loading
from tatara.models.chat_template import Conversation, prompt_text
from tatara.models.tokenizer import load_tokenizer
from tatara.train import fused, merge, samples, trainer
from transformers import AutoModelForCausalLM

ROWS = [{**pair, "category": "設計", "reference": pair["answer"]} for pair in tiny_models.PAIRS[:3]]


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def bases(work) -> dict[str, Path]:
    return {family: tiny_models.make_base(work / family, family) for family in ("llama3", "qwen2", "unigram")}


@pytest.fixture(scope="module")
def trained(work, bases) -> dict:
    report = tiny_models.train(work / "trained", bases["llama3"])
    return {"report": report, "adapter": work / "trained/adapter", "base": bases["llama3"]}


@pytest.fixture(scope="module")
def merged(work, trained) -> Path:
    merge.merge(trained["base"], trained["adapter"], work / "merged", 1)
    return work / "merged"


@pytest.fixture(scope="module")
def f16(work, merged) -> Path:
    convert.convert(merged, work / "f16.gguf")
    return work / "f16.gguf"


@pytest.mark.parametrize(("family", "end"), [("llama3", "<|eot_id|>"), ("qwen2", "<|im_end|>"), ("unigram", "</s>")])
def test_prompt_and_end_of_turn(bases, family, end):
    tokenizer = load_tokenizer(bases[family])
    assert tokenizer.convert_ids_to_tokens(chat.end_of_turn(tokenizer, tiny_models.CONVERSATION)) == end
    item = chat.encode(tokenizer, "堤防とは。", "土の構造物である。", tiny_models.CONVERSATION)
    assert item.labels[: item.prompt_tokens] == [chat.IGNORED] * item.prompt_tokens
    assert tokenizer.decode(item.input_ids[item.prompt_tokens :]) == "土の構造物である。" + end
    prompt = tokenizer.decode(item.input_ids[: item.prompt_tokens])
    assert tiny_models.SYSTEM in prompt
    assert "堤防とは。" in prompt
    assert tokenizer.pad_token_id not in chat.stop_tokens(tokenizer, tiny_models.CONVERSATION)
    if tokenizer.bos_token_id is not None:
        assert item.input_ids.count(tokenizer.bos_token_id) == 1


def test_a_double_bos_is_refused(bases):
    tokenizer = load_tokenizer(bases["llama3"])
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    with pytest.raises(InputError, match="two BOS tokens"):
        chat.encode_prompt(tokenizer, "堤防とは。", Conversation())


def test_a_template_without_a_system_role(bases):
    tokenizer = load_tokenizer(bases["llama3"])
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        + tokenizer.chat_template
    )
    assert tiny_models.SYSTEM in prompt_text(tokenizer, "堤防とは。", tiny_models.CONVERSATION)


def test_no_chat_template_is_an_error(bases):
    tokenizer = load_tokenizer(bases["llama3"])
    tokenizer.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        prompt_text(tokenizer, "堤防とは。", Conversation())


def test_unknown_characters_survive_each_tokenizer(bases):
    for folder in bases.values():
        tokenizer = load_tokenizer(folder)
        text = "鱻の護岸①～🌊 100 m³/s"
        assert chat.decode_answer(tokenizer, chat.encode_text(tokenizer, text)) == text


def test_training_report_and_loss(trained):
    report = trained["report"]
    assert len(report["steps"]) == 6
    assert len(report["epoch_loss"]) == 2
    assert report["epoch_loss"][1] < report["epoch_loss"][0]
    rates = [step["learning_rate"] for step in report["steps"]]
    assert max(rates) <= 2e-3 and rates[-1] < max(rates)
    assert report["trainable_parameters"] == sum(
        value.numel() for value in load_file(trained["adapter"] / "adapter_model.safetensors").values()
    )
    config = json.loads((trained["adapter"] / "adapter_config.json").read_text())
    assert set(config["target_modules"]) == set(fused.TARGETS)
    assert not list(trained["adapter"].parent.glob("checkpoints"))


def test_the_loss_is_that_of_the_answer_alone(trained):
    """The first step's loss is recomputed from full logits of the untrained model, answer tokens only (paper eq. 4)."""
    tokenizer = load_tokenizer(trained["base"])
    model = loading.load_base(trained["base"], torch.device("cpu"), "nf4")
    decoded = trained["report"]["first_batch"]
    assert all(
        text.endswith("<|eot_id|>") and "点検する" in text and tiny_models.SYSTEM not in text for text in decoded
    )
    nats = tokens = 0
    for pair in tiny_models.PAIRS:
        item = chat.encode(tokenizer, pair["question"], pair["answer"], tiny_models.CONVERSATION)
        logits = model(input_ids=torch.tensor([item.input_ids])).logits[0, item.prompt_tokens - 1 : -1]
        targets = torch.tensor(item.input_ids[item.prompt_tokens :])
        nats += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
        tokens += len(targets)
    assert trained["report"]["steps"][0]["loss"] == pytest.approx(nats / tokens, rel=0.05)


def test_wrong_labels_are_refused(bases):
    tokenizer = load_tokenizer(bases["llama3"])
    pair = {"id": "p", "question": "問い", "answer": "答えである。"}
    item = chat.encode(tokenizer, pair["question"], pair["answer"], Conversation())
    assert samples.check_labels(tokenizer, pair, item.labels, Conversation()) == "答えである。<|eot_id|>"
    early, late = (chat.Encoded(item.input_ids, item.prompt_tokens + shift).labels for shift in (-2, 1))
    for labels in (early, late, [*item.labels[:-1], chat.IGNORED], item.labels[:-1]):
        with pytest.raises(InputError, match=r"pair p: at token \d+ .* carries loss, expected"):
            samples.check_labels(tokenizer, pair, labels, Conversation())
    with pytest.raises(InputError, match="carries loss"):
        samples.check_labels(tokenizer, pair | {"answer": "別の答え。"}, item.labels, Conversation())


def test_a_pair_that_is_too_long_is_an_error(work, bases):
    with pytest.raises(InputError, match=r"pair p0 has \d+ tokens, config key train.max_length allows 10"):
        tiny_models.train(work / "long", bases["llama3"], settings={"max_length": 10})


def test_unsloth_on_a_cpu_is_an_error(work, bases):
    with pytest.raises(InputError, match=r"train\.backend is unsloth, but unsloth needs a GPU"):
        tiny_models.train(work / "unsloth", bases["llama3"], settings={"backend": "unsloth"})


def test_the_same_seed_gives_the_same_adapter(work, bases, trained):
    tiny_models.train(work / "again", bases["llama3"])
    assert (work / "again/adapter/adapter_model.safetensors").read_bytes() == (
        trained["adapter"] / "adapter_model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("steps", [3, 5])
def test_an_interrupted_training_ends_with_the_same_adapter(work, bases, trained, monkeypatch, steps):
    class Stopping(trainer.ProgressLog):
        def on_step_end(self, args, state, control, **keywords):
            if state.global_step == steps:
                raise KeyboardInterrupt

    folder = work / f"interrupted{steps}"
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "ProgressLog", Stopping)
        with pytest.raises(KeyboardInterrupt):
            tiny_models.train(folder, bases["llama3"])
    report = tiny_models.train(folder, bases["llama3"])
    assert report["resumed_from"] == f"checkpoint-{steps - 1}"
    assert [step["loss"] for step in report["steps"]] == [step["loss"] for step in trained["report"]["steps"]]
    assert (folder / "adapter/adapter_model.safetensors").read_bytes() == (
        trained["adapter"] / "adapter_model.safetensors"
    ).read_bytes()


def test_merging_adds_the_scaled_product(trained, merged):
    before, after = load_file(trained["base"] / "model.safetensors"), load_file(merged / "model.safetensors")
    adapter = load_file(trained["adapter"] / "adapter_model.safetensors")
    name = "model.layers.0.self_attn.q_proj"
    product = (
        adapter[f"base_model.model.{name}.lora_B.weight"] @ adapter[f"base_model.model.{name}.lora_A.weight"] * (16 / 8)
    )
    assert product.abs().max() > 0
    expected = before[f"{name}.weight"].float() + product
    assert after[f"{name}.weight"].dtype == torch.bfloat16
    assert torch.allclose(after[f"{name}.weight"].float(), expected, atol=1e-2, rtol=1e-2)
    assert torch.equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])
    for file in ("tokenizer.json", "tokenizer_config.json"):
        assert (merged / file).read_bytes() == (trained["base"] / file).read_bytes()


def check_parity(merged: Path, files: dict, **settings) -> dict:
    return gguf_cases.check_parity(merged, files, ROWS, tiny_models.TEXTS, tiny_models.CONVERSATION, **settings)


def test_parity_of_what_was_converted(work, merged, f16):
    quantize.quantize(f16, work / "q4.gguf", "q4", 1)
    assert (work / "q4.gguf").stat().st_size < f16.stat().st_size
    found = check_parity(merged, {"f16": f16, "q4": work / "q4.gguf"})
    assert found["formats"]["f16"]["lines"] == 2 * len(ROWS) + len(tiny_models.TEXTS)
    assert found["formats"]["f16"]["mean_kl"] < found["formats"]["q4"]["mean_kl"]
    assert found["shape"] | {"heads": 4, "kv_heads": 1, "qkv_bias": False} == found["shape"]


def test_rows_that_no_k_quant_takes_are_counted_as_llama_quantize_stores_them(tmp_path, caplog):
    """Rows of 96 weights: all matrices but those of the MLP's way down, whose rows have 256."""
    folder = tiny_models.make_base(tmp_path / "base", "llama3", hidden_size=96)
    convert.convert(folder, tmp_path / "f16.gguf")
    quantize.quantize(tmp_path / "f16.gguf", tmp_path / "q8.gguf", "q8", 1)
    assert "other types" not in caplog.text
    quantize.quantize(tmp_path / "f16.gguf", tmp_path / "q4.gguf", "q4", 1)
    matrices = [tensor for tensor in GGUFReader(tmp_path / "q4.gguf").tensors if len(tensor.shape) > 1]
    stored = sum(int(tensor.n_elements) for tensor in matrices if not tensor.tensor_type.name.endswith("_K"))
    share = share_in_other_types(tmp_path / "f16.gguf")
    assert share == stored / sum(int(tensor.n_elements) for tensor in matrices) and 0.5 < share < 1
    assert f"q4.gguf: {100 * share:.0f} % of its weights" in caplog.text


def test_parity_stops_another_model(work, merged, f16, tmp_path):
    """The transformers model is changed after the conversion: the F16 file is not it any more."""
    other = shutil.copytree(merged, tmp_path / "other")
    model = AutoModelForCausalLM.from_pretrained(other, dtype=torch.bfloat16)
    torch.manual_seed(0)
    with torch.no_grad():
        model.lm_head.weight.add_(torch.randn_like(model.lm_head.weight) * 0.1)
    model.save_pretrained(other)
    copied = Path(shutil.copy(f16, tmp_path))
    with pytest.raises(InputError, match="not the model it was made from"):
        check_parity(other, {"f16": copied})
    assert not copied.with_name("parity.json").exists()


def test_parity_stops_another_tokenizer(merged, bases, f16, tmp_path):
    other = shutil.copytree(merged, tmp_path / "other")
    changed = json.loads((other / "tokenizer.json").read_text())
    changed["model"]["merges"] = changed["model"]["merges"][:20]
    changed["model"]["ignore_merges"] = False
    (other / "tokenizer.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match="first_difference"):
        check_parity(other, {"f16": f16})


def test_nll_by_hand(trained, work):
    """The file's figures are those of the model's own loss (paper eq. 5), and those of transformers and llama.cpp
    agree.
    """
    found = nll_adapter.nll_adapter(
        base=trained["base"],
        adapter=trained["adapter"],
        rows=ROWS,
        items=[],
        output=work / "nll.json",
        probe=work / "probe.csv",
        name="a",
        model="tiny",
        conversation=tiny_models.CONVERSATION,
        precision="nf4",
        threads=1,
        device="cpu",
    )
    tokenizer = load_tokenizer(trained["base"])
    model = loading.load_adapted(trained["base"], trained["adapter"], torch.device("cpu"), "nf4")
    item = chat.encode(tokenizer, ROWS[0]["question"], ROWS[0]["reference"], tiny_models.CONVERSATION)
    loss = model(input_ids=torch.tensor([item.input_ids]), labels=torch.tensor([item.labels])).loss.item()
    first = found["questions"][0]
    assert first["nats"] / first["tokens"] == pytest.approx(loss, rel=1e-4)
    assert first["bytes"] == len(ROWS[0]["reference"].encode())
    assert found["ppl"] == pytest.approx(math.exp(found["nll"]))
    assert found["bits_per_byte"] == pytest.approx(found["nats"] / math.log(2) / found["bytes"])


def test_nll_of_gguf_agrees_with_transformers(merged, f16, work):
    got = nll_gguf.nll_gguf(
        file=f16,
        base=merged,
        rows=ROWS,
        items=[],
        output=work / "nll2.json",
        probe=work / "probe2.csv",
        name="f16",
        model="tiny",
        conversation=tiny_models.CONVERSATION,
        context=512,
        threads=1,
    )
    tokenizer, model = load_tokenizer(merged), loading.load_model(merged, torch.device("cpu"))
    expected = nll.summary(
        "hf", "tiny", nll.score(tokenizer, ROWS, tiny_models.CONVERSATION, "hf", nll_adapter.transformers_pieces(model))
    )
    assert got["nll"] == pytest.approx(expected["nll"], rel=1e-3)
    assert got["file_bytes"] == f16.stat().st_size
