"""Each model class in small: what the adapter covers, what carries loss, the template's own tokens, a step, the merge.

`make test-models` goes through all classes, the default run through those that stand for the others. A case makes its
model once (`trained`); a further test of all classes asks for this fixture and finds base, adapter and merged model.
"""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_models
import torch
from model_classes import CASES, SYSTEM, Case, make_base
from peft import PeftModel
from safetensors.torch import load_file
from tatara.job.errors import InputError
from tatara.models import chat, loading, text_part
from tatara.train import backends, merge, samples, trainer
from tatara.train.trainable import describe
from transformers import AutoModelForCausalLM

pytestmark = pytest.mark.models
CPU = torch.device("cpu")
ANSWERS = ("出水期前に点検する。", "年1回、\n\n- 天端\n- 法面\nを点検する。", "100 m³/s ① である。", "鱻🌊の{x}を見る")
PAIRS = [
    {"id": f"p{n}", "question": f"第{n}号の堤防は\nいつ点検するか。", "answer": answer}
    for n, answer in enumerate(ANSWERS)
]
SETTINGS = {
    "batch_size": 4,
    "micro_batch_size": None,
    "epochs": 2,
    "learning_rate": 1e-2,
    "warmup_ratio": 0.0,
    "max_length": 512,
}


@dataclass(frozen=True)
class Trained:
    """A case with all that training makes of it."""

    case: Case
    base: Path
    adapter: Path
    merged: Path
    report: dict

    @property
    def tokenizer(self):
        return loading.load_tokenizer(self.base)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if case.daily else pytest.mark.further_class) for name, case in CASES.items()],
)
def trained(request, tmp_path_factory) -> Trained:
    case, folder = CASES[request.param], tmp_path_factory.mktemp("class")
    base = make_base(case, folder / "base")
    report = tiny_models.train(
        folder,
        base,
        pairs=PAIRS,
        settings=SETTINGS | {"target_modules": case.target_modules},
        lora={"dropout": 0.0},
        conversation=case.conversation,
    )
    merge.merge(base, folder / "adapter", folder / "merged", 1)
    return Trained(case, base, folder / "adapter", folder / "merged", report)


def encoded(trained: Trained) -> list[chat.Encoded]:
    return samples.encode_pairs(trained.tokenizer, PAIRS, trained.case.conversation, 512)


def test_the_adapter_covers_what_the_class_has(trained):
    """By name and in numbers; B of each matrix has moved, so none is left out of training."""
    coverage, tensors = trained.report["coverage"], load_file(trained.adapter / "adapter_model.safetensors")
    config = json.loads((trained.adapter / "adapter_config.json").read_text())
    assert sorted([*config["target_modules"], *(config["target_parameters"] or [])]) == sorted(trained.case.targets)
    assert coverage["share"] == pytest.approx(trained.case.share, abs=1e-4)
    assert coverage["covered"] == sum(entry["covered"] for entry in coverage["modules"].values())
    assert trained.report["trainable_parameters"] == sum(tensor.numel() for tensor in tensors.values())
    assert all(tensor.any() for name, tensor in tensors.items() if ".lora_B." in name)


def test_what_is_trained_is_the_templates_own_rendering(trained):
    """Against transformers' own way from messages to tokens, with what the configuration names."""
    tokenizer, conversation = trained.tokenizer, trained.case.conversation
    assert trained.report["template_exact"] == len(PAIRS)
    for pair, item in zip(PAIRS, encoded(trained), strict=True):
        turns = [{"role": "user", "content": pair["question"]}, {"role": "assistant", "content": pair["answer"]}]
        if trained.case.model_type == "gemma2":  # its template knows no system role
            turns[0]["content"] = f"{SYSTEM}\n\n{pair['question']}"
        else:
            turns.insert(0, {"role": "system", "content": SYSTEM})
        options = conversation.template_options | {"strftime_now": datetime.date(2026, 1, 15).strftime}
        expected = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False, **options)
        assert item.input_ids == expected[: len(item.input_ids)]
        rest = tokenizer.decode(expected[len(item.input_ids) :])
        assert not rest.strip() or "assistant" in rest, "only white space, or the turn to come"


def test_the_answer_and_the_end_of_its_turn_carry_loss(trained):
    tokenizer = trained.tokenizer
    for pair, item in zip(PAIRS, encoded(trained), strict=True):
        labels = item.labels
        assert labels[: item.prompt_tokens] == [chat.IGNORED] * item.prompt_tokens
        *answer, end = labels[item.prompt_tokens :]
        assert tokenizer.convert_ids_to_tokens(end) == trained.case.end and end not in answer
        assert chat.decode_answer(tokenizer, answer) == pair["answer"].strip()
        prompt = chat.encode_prompt(tokenizer, pair["question"], trained.case.conversation)
        assert item.input_ids[: item.prompt_tokens] == prompt
        assert end in chat.stop_tokens(tokenizer, trained.case.conversation)
    assert [text for text in trained.report["first_batch"] if text.endswith(trained.case.end)] == trained.report[
        "first_batch"
    ]


def test_the_loss_is_the_models_own(trained):
    """The first step's, before anything is learnt, from all logits of the NF4 base, one sample at a time."""
    model = loading.load_nf4(trained.base, CPU)
    nats = tokens = 0
    with torch.inference_mode():
        for item in encoded(trained):
            logits = model(input_ids=torch.tensor([item.input_ids])).logits[0, item.prompt_tokens - 1 : -1]
            targets = torch.tensor(item.input_ids[item.prompt_tokens :])
            nats += torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum").item()
            tokens += len(targets)
    first, last = (trained.report["steps"][step]["loss"] for step in (0, -1))
    assert first == pytest.approx(nats / tokens, rel=1e-4)
    assert last < first


def test_a_packed_row_has_the_loss_of_its_samples(trained):
    """Where layers carry a state past the end of a sample, packing is refused instead."""
    base = describe(trained.base, tiny_models.SETTINGS)
    if not trained.case.packed:
        with pytest.raises(InputError, match=r"train\.packing is true, but layers of .* carry a state"):
            backends.choose_packing(True, "trl", CPU, base)
        return
    assert backends.choose_packing(True, "trl", CPU, base)
    model = loading.load_adapted(trained.base, trained.adapter, CPU, "nf4")
    features = [{"input_ids": item.input_ids, "labels": item.labels} for item in encoded(trained)]
    with torch.inference_mode():
        alone = sum(trainer.answer_loss(model, samples.pack([feature]), 1).item() for feature in features)
        packed = trainer.answer_loss(model, samples.pack(features), 1).item()
    assert packed == pytest.approx(alone, rel=1e-5)


def test_the_merged_model_is_the_base_with_its_adapter(trained):
    """In 16 bits, loaded by transformers as the text model that it is, with the base's tokenizer."""
    ids = torch.tensor([encoded(trained)[0].input_ids])
    merged = AutoModelForCausalLM.from_pretrained(trained.merged, dtype=torch.float32, local_files_only=True)
    base = loading.load_causal(trained.base, dtype=torch.float32)
    assert type(merged) is type(base)
    with torch.inference_mode():
        untrained, found = base(ids).logits, merged(ids).logits
        expected = PeftModel.from_pretrained(base, str(trained.adapter)).eval()(ids).logits
    assert (found - expected).norm() < 0.02 * expected.norm()
    assert (found - expected).norm() < 0.2 * (untrained - expected).norm()
    stored = load_file(trained.merged / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    assert not [name for name in stored if "vision" in name or "projector" in name or "language_model" in name]
    config = json.loads((trained.merged / "config.json").read_text())
    assert config["model_type"] == merged.config.model_type and "text_config" not in config
    assert (trained.merged / "tokenizer.json").read_bytes() == (trained.base / "tokenizer.json").read_bytes()


def test_what_is_no_text_is_left_out_and_said(trained):
    left_out = trained.report["left_out"]
    assert left_out == text_part.left_out(trained.base)
    if not trained.case.vision:
        assert left_out is None
        return
    whole = load_file(trained.base / "model.safetensors")
    no_text = sum(tensor.numel() for name, tensor in whole.items() if "language_model" not in name)
    assert set(left_out["modules"]) == {"vision_tower", "multi_modal_projector"}
    assert left_out["weights"] == no_text > 0
