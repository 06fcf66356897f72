"""Each model class in small: what the adapter covers, what carries loss, the template's own tokens, a step, the merge,
the GGUF files and an answer.

`make test-models` goes through all classes and writes the table in docs/models.md; the default run goes through those
that stand for the others and compares their rows. A case makes its model once (`trained`).
"""

import datetime
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import gguf_cases
import hard_texts
import pytest
import tiny_models
import torch
from class_table import ClassTable
from model_classes import CASES, SYSTEM, Case, make_source
from peft import PeftModel
from pipeline_copy import REPOSITORY
from safetensors.torch import load_file
from tatara.data.graph_text import read_descriptions
from tatara.evaluate import deploy, modelfile
from tatara.job.errors import InputError
from tatara.llama.tools import ConversionRefused
from tatara.llm.ollama import Server
from tatara.models import base_folder, chat, loading, preflight, text_part
from tatara.models.tokenizer import load_tokenizer
from tatara.train import merge, packing, samples, trainer
from transformers import AutoModelForCausalLM

pytestmark = pytest.mark.models
CPU = torch.device("cpu")
ANSWERS = ("出水期前に点検する。", "年1回、\n\n- 天端\n- 法面\nを点検する。", "100 m³/s ① である。", "鱻🌊の{x}を見る")
PAIRS = [
    {"id": f"p{n}", "question": f"第{n}号の堤防は\nいつ点検するか。", "answer": answer}
    for n, answer in enumerate(ANSWERS)
]
ROWS = [{"id": pair["id"], "question": pair["question"], "reference": pair["answer"]} for pair in PAIRS]
TEXTS = read_descriptions(REPOSITORY / "resources/graph/nodes_domain.csv") + hard_texts.HARD + hard_texts.ROWS_OF_ONE
DEPLOYED = ("llama", "llama llm-jp", "qwen3", "gemma3", "gpt-oss")
# One answer is of characters that llm-jp has no token for; random weights leave the likeliest tokens nearly tied, so
# that it is KL which says whether the models are the same.
ALLOWED = {"max_share_without_token": 0.1, "min_top1": 0.9}
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
    source: Path
    base: Path
    adapter: Path
    merged: Path
    report: dict

    @cached_property
    def tokenizer(self):
        return load_tokenizer(self.base)

    @cached_property
    def encoded(self) -> list[chat.Encoded]:
        return samples.encode_pairs(self.tokenizer, PAIRS, self.case.conversation, 512)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if case.daily else pytest.mark.further_class) for name, case in CASES.items()],
)
def trained(request, tmp_path_factory) -> Trained:
    case, folder = CASES[request.param], tmp_path_factory.mktemp("class")
    source, base = make_source(case, folder / "source"), folder / "base"
    base_folder.build(name="a", source={"file": str(source)}, place=source, folder=base)
    report = tiny_models.train(
        folder,
        base,
        pairs=PAIRS,
        settings=SETTINGS | {"target_modules": case.target_modules},
        lora={"dropout": 0.0},
        conversation=case.conversation,
    )
    merge.merge(base, folder / "adapter", folder / "merged", 1)
    return Trained(case, source, base, folder / "adapter", folder / "merged", report)


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
    for pair, item in zip(PAIRS, trained.encoded, strict=True):
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
    for pair, item in zip(PAIRS, trained.encoded, strict=True):
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
    model = loading.load_base(trained.base, CPU, "nf4")
    nats = tokens = 0
    with torch.inference_mode():
        for item in trained.encoded:
            logits = model(input_ids=torch.tensor([item.input_ids])).logits[0, item.prompt_tokens - 1 : -1]
            targets = torch.tensor(item.input_ids[item.prompt_tokens :])
            nats += torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum").item()
            tokens += len(targets)
    first, last = (trained.report["steps"][step]["loss"] for step in (0, -1))
    assert first == pytest.approx(nats / tokens, rel=1e-4)
    assert last < first


def test_a_packed_row_has_the_loss_of_its_samples(trained):
    """Where one sample changes the next, packing is refused instead."""
    model = loading.load_adapted(trained.base, trained.adapter, CPU, "nf4")
    if not trained.case.packed:
        with pytest.raises(InputError, match=r"train\.packing is true, but in .* one packed sample changes the next"):
            packing.choose_packing(True, "trl", CPU, model)
        return
    assert packing.choose_packing(True, "trl", CPU, model)
    features = [{"input_ids": item.input_ids, "labels": item.labels} for item in trained.encoded]
    with torch.inference_mode():
        alone = sum(trainer.answer_loss(model, samples.pack([feature]), 1).item() for feature in features)
        together = trainer.answer_loss(model, samples.pack(features), 1).item()
    assert together == pytest.approx(alone, rel=1e-5)


def test_the_merged_model_is_the_base_with_its_adapter(trained):
    """In 16 bits, loaded by transformers as the text model that it is, with the base's tokenizer."""
    ids = torch.tensor([trained.encoded[0].input_ids])
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


def test_preflight_says_of_the_source_what_comes_of_it(trained, tmp_path):
    """Before anything is trained, by config and tokenizer alone: the class, the coverage, whether it can be GGUF."""
    case, output = trained.case, tmp_path / "preflight.json"
    gguf = {"source": {"path": {"file": "a"}}, "formats": ["f16", "q4"], "license": "unknown"}
    settings = {
        "conversation": case.conversation,
        "train": tiny_models.SETTINGS | {"target_modules": case.target_modules},
        "r": 8,
        "context": 512,
        "batch_size": 1,
        "byte_fallback": "answers",
        "limit": None,
        "place": trained.source,
        "output": output,
    }
    if case.refusal:
        with pytest.raises(InputError, match=rf"f16, q4 cannot be made.*{case.refusal}.*leave nf4 alone"):
            preflight.preflight(name="a", entry=gguf, **settings)
        gguf["formats"] = ["nf4"]
    preflight.preflight(name="a", entry=gguf, **settings)
    found = json.loads(output.read_text())
    assert found["adapter"] == trained.report["coverage"]
    assert found["gguf"]["possible"] == (case.refusal is None)
    assert found["template"]["equal"]


@pytest.fixture(scope="module")
def outcome(trained, tmp_path_factory) -> gguf_cases.Outcome | None:
    """The GGUF files of the merged model, held against it; None of a class that llama.cpp does not have."""
    folder = tmp_path_factory.mktemp("gguf")
    if trained.case.refusal:
        with pytest.raises(ConversionRefused, match=trained.case.refusal):
            gguf_cases.make_files(trained.merged, folder)
        return None
    return gguf_cases.check(trained.merged, folder, ROWS, TEXTS, trained.case.conversation, **ALLOWED)


def test_the_gguf_files_are_the_merged_model_and_answer(trained, outcome, table, request):
    assert trained.case.refusal or outcome.answer
    parity = outcome.parity["formats"]["f16"] if outcome else None
    table.add(request.node.callspec.params["trained"], trained.case, trained.base, parity)


@pytest.mark.services
def test_ollama_reads_prompts_as_in_training(trained, outcome, ollama_server, tmp_path, request):
    """Token by token, by the rule's own check."""
    name = request.node.callspec.params["trained"]
    if name not in DEPLOYED:
        pytest.skip(f"one class of each kind of template and vocabulary is deployed: {', '.join(DEPLOYED)}")
    file, conversation = outcome.folder / "f16.gguf", trained.case.conversation
    recipe = modelfile.recipe(
        model="a",
        base=trained.base,
        file=file,
        own_template=None,
        conversation=conversation,
        limit=8,
        context=512,
    )
    deploy.deploy(
        name=f"class-{name.replace(' ', '-')}",
        recipe=recipe,
        file=file,
        base=trained.base,
        rows=ROWS,
        server=Server(ollama_server.url, 60),
        threads=1,
        output=tmp_path / "check.json",
    )
    found = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert found["prompts"]["equal"] == found["prompts"]["compared"] == len(ROWS)


@pytest.fixture(scope="module")
def table():
    return ClassTable()


def test_the_table_in_the_documentation_is_true(table, request):
    """After all classes it is written; after a few it has their rows."""
    if not table.rows:
        pytest.skip("the tests of the classes did not run")
    if not table.written() and not request.config.getoption("--all-classes"):
        pytest.skip("the table has not been written yet: make test-models writes it")
    if request.config.getoption("--all-classes"):
        assert table.rows.keys() == CASES.keys()
        table.write()
    assert table.differing() == []
