"""Preflight: what it says of a model, what it refuses and with which remedy, and what waits for it."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import test_sentencepiece
import tiny_models as tiny
import yaml
from pipeline_copy import REPOSITORY, Copy, edited
from safetensors.torch import save_file
from tatara.files.config import check_config
from tatara.job.errors import InputError
from tatara.llama import convert
from tatara.models import model_files, preflight, preflight_files, preflight_model, preflight_tokens
from tatara.models.lora_targets import choose_targets
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
SETTINGS = {
    "conversation": tiny.CONVERSATION,
    "train": {"gradient_checkpointing": False, "target_modules": None, "base_precision": "nf4", "weights": "lora"},
    "r": 16,
    "context": 1024,
    "batch_size": 1,
    "byte_fallback": "answers",
    "limit": None,
}
ENTRY = {"source": {"path": {"file": "models/a"}}, "formats": ["nf4"], "license": "unknown"}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny.make_base(tmp_path_factory.mktemp("preflight") / "base", "llama3")


@pytest.fixture
def folder(base, tmp_path) -> Path:
    """A model folder, to be spoilt."""
    return shutil.copytree(base, tmp_path / "model")


def said(place: Path, **changes) -> str:
    """Return why a model is refused."""
    with pytest.raises(InputError) as refused:
        preflight.preflight(
            name="a", entry=ENTRY, place=place, output=place.parent / "preflight.json", **(SETTINGS | changes)
        )
    assert not (place.parent / "preflight.json").exists()
    assert str(refused.value).startswith("the model a (config key models.a) is refused:\n")
    return str(refused.value)


def change_json(file: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")


# What the files show


def in_four_bits(folder: Path) -> None:
    settings = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    change_json(folder / "config.json", lambda config: config.update(quantization_config=settings))


def pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text(LFS)


def pointer_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(LFS)


def missing_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / model_files.INDEX).write_text(json.dumps({"weight_map": shards}))


def cut_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def no_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"<html>not found</html>" * 100)


def adapter_beside(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "lab/tiny"}')


def adapter_alone(folder: Path) -> None:
    adapter_beside(folder)
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "config.json").unlink()


def pickles(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def consolidated(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")


def gguf_inside(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-q4.gguf")


def nothing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def own_code(folder: Path) -> None:
    code = {"model_type": "tiny_own", "auto_map": {"AutoModelForCausalLM": "modeling_tiny.Tiny"}}
    change_json(folder / "config.json", lambda config: config.update(code))


# What the tokenizer shows


def no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def pad_that_stops(folder: Path) -> None:
    change_json(folder / "tokenizer_config.json", lambda config: config.update(pad_token="<|eot_id|>"))


def two_bos(folder: Path) -> None:
    template = folder / "chat_template.jinja"
    template.write_text("{{ bos_token }}" + template.read_text(encoding="utf-8"), encoding="utf-8")


def past_the_embedding(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|tool|>", "<|image|>"]})
    tokenizer.save_pretrained(folder)


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "problem", "remedy"),
    [
        (in_four_bits, r"quantized already \(bitsandbytes in 4 bits\)", "take the 16-bit model"),
        (pointer, r"model\.safetensors is a pointer of Git LFS", "git lfs pull"),
        (pointer_tokenizer, r"tokenizer\.json is a pointer of Git LFS", "git lfs pull"),
        (missing_shard, r"names 2 shards, and model-00002-of-00002\.safetensors is missing", "fetch what is missing"),
        (cut_short, r"it has [\d,]+ bytes, its head names [\d,]+", "fetch it again"),
        (no_safetensors, "not a safetensors file", "fetch it again"),
        (adapter_beside, "lies beside the weights, and transformers would load that adapter", "merge it, or take"),
        (adapter_alone, "is an adapter and no model", "merge it into the model that its adapter_config.json names"),
        (pickles, r"as pickles alone \(pytorch_model\.bin\)", "save_pretrained"),
        (consolidated, "as consolidated.safetensors alone", "take the release with model.safetensors"),
        (gguf_inside, "holds GGUF files alone", r"such as .*model/model-q4\.gguf"),
        (nothing, "holds no model.safetensors", "is it the folder of a model"),
        (no_config, "there is no config.json beside the weights", "fetch it"),
        (
            own_code,
            "no class of its own for this model, and code that comes with a model is not run",
            "take a model of",
        ),
        (no_template, "no chat template", "take the instruct model, or add the template as chat_template.jinja"),
        (pad_that_stops, r"padding token '<\|eot_id\|>' also ends an answer", r"such as .*<\|finetune_right_pad_id\|>"),
        (two_bos, "begins with two BOS tokens", "take one of the two out"),
        (past_the_embedding, r"2 tokens past the embedding's \d+ rows \(<\|image\|>", "resize_token_embeddings"),
        (no_tokenizer, "its tokenizer cannot be read", r"expected tokenizer\.json"),
    ],
)
def test_a_folder_that_would_fail_later_is_refused_with_the_remedy(folder, spoil, problem, remedy):
    spoil(folder)
    message = said(folder)
    assert re.search(problem, message) and re.search(remedy, message), message


def test_several_problems_are_named_at_once(folder):
    missing_shard(folder)
    adapter_beside(folder)
    in_four_bits(folder)
    assert len(said(folder).splitlines()) == 4


def test_a_hub_model_is_refused_by_its_list_of_files(folder):
    record = {"files": ["config.json", "pytorch_model.bin"], "weights": {}, "license": None}
    (folder / model_files.HUB_RECORD).write_text(json.dumps(record))
    entry = ENTRY | {"source": {"hub": {"repo": "lab/tiny", "revision": "main"}}}
    with pytest.raises(InputError, match="lab/tiny holds its weights as pickles alone"):
        preflight.preflight(name="a", entry=entry, place=folder, output=folder / "out.json", **SETTINGS)


# What it says


def test_what_is_said_of_a_folder(folder):
    (folder / "README.md").write_text("---\nlanguage: ja\nlicense: gemma\n---\n# A model\n")
    output = folder.parent / "preflight.json"
    entry = ENTRY | {"formats": ["f16", "nf4"]}
    preflight.preflight(name="a", entry=entry, place=folder, output=output, **SETTINGS)
    found = json.loads(output.read_text())
    shapes, _ = preflight_files.read_head(folder / "model.safetensors")
    count = sum(rows * (columns[0] if columns else 1) for rows, *columns in shapes.values())
    assert (found["class"], found["parameters"]) == ("LlamaForCausalLM", count)
    assert found["template"] == {"prompt": "exact", "equal": True, "difference": None}
    assert found["adapter"]["share"] == 1 and "self_attn.q_proj" in found["adapter"]["modules"]
    assert found["tokenizer"]["stops"] == ["<|end_of_text|>", "<|eot_id|>"]
    assert found["gguf"] == {"possible": True, "refusal": None}
    assert found["license"] == {"config": "unknown", "source": "gemma"}
    assert found["memory"]["formats"]["f16"]["weights_gib"] == pytest.approx(2 * count / 2**30, abs=1e-3)


def test_a_gguf_file_is_read_by_its_head(base, tmp_path):
    file, output = tmp_path / "tiny.gguf", tmp_path / "preflight.json"
    convert.convert(base, file)
    entry = ENTRY | {"source": {"path": {"file": "tiny.gguf"}}}
    preflight.preflight(name="a", entry=entry, place=file, output=output, **SETTINGS)
    found = json.loads(output.read_text())
    assert found["class"] == "LlamaForCausalLM" and found["template"]["equal"]
    assert found["parameters"] == AutoModelForCausalLM.from_pretrained(base).num_parameters()
    for content, problem in (
        (file.read_bytes()[:-5000], "cut short: .* fetch it again"),
        (LFS.encode(), "git lfs pull"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=problem):
            preflight.preflight(name="a", entry=entry, place=file, output=tmp_path / "no.json", **SETTINGS)


def test_a_gguf_file_has_the_digest_that_the_configuration_says(base, tmp_path):
    file = tmp_path / "tiny.gguf"
    convert.convert(base, file)
    path = {"file": "tiny.gguf", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    entry = ENTRY | {"source": {"path": path}}
    preflight.preflight(name="a", entry=entry, place=file, output=tmp_path / "preflight.json", **SETTINGS)
    with file.open("r+b") as content:  # another byte in the middle: as long as before, both ends alike
        content.seek(file.stat().st_size // 2)
        byte = content.read(1)[0]
        content.seek(-1, 1)
        content.write(bytes([byte ^ 1]))
    with pytest.raises(InputError, match=rf"tiny\.gguf: its SHA-256 is .* says {path['sha256']}: fetch the file again"):
        preflight.preflight(name="a", entry=entry, place=file, output=tmp_path / "no.json", **SETTINGS)


def test_a_unigram_stand_in_with_byte_fallback_can_be_gguf(tmp_path):
    config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
    entry = check_config(config, REPOSITORY)["models"]["tanuki"] | {"formats": ["f16", "q4"]}
    preflight.preflight(name="tanuki", entry=entry, place=None, output=tmp_path / "a.json", **SETTINGS)
    assert json.loads((tmp_path / "a.json").read_text())["gguf"] == {"possible": True, "refusal": None}


def test_a_form_that_the_converter_has_not_for_a_tokenizer(tmp_path):
    """Replacements of its own beside those that `prompts` needs."""
    source = test_sentencepiece.train(tmp_path / "a", "unigram", True, normalization_rule_name="nmt_nfkc")
    test_sentencepiece.add_weights(source)
    entry, settings = ENTRY | {"formats": ["f16"]}, SETTINGS | {"byte_fallback": "prompts"}
    with pytest.raises(InputError, match=r"(?s)f16 cannot be made.*replacements of its own.*can be `answers`"):
        preflight.preflight(name="a", entry=entry, place=source, output=tmp_path / "a.json", **settings)


def test_a_tokenizer_that_the_converter_refuses(folder):
    whole = {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    lowercase = {"normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "ByteLevel"} | whole}
    change_json(folder / "tokenizer.json", lambda tokenizer: tokenizer.update(lowercase))
    output = folder.parent / "preflight.json"
    preflight.preflight(name="a", entry=ENTRY, place=folder, output=output, **SETTINGS)
    found = json.loads(output.read_text())
    assert not found["gguf"]["possible"] and "pre-tokenizer was not recognized" in found["gguf"]["refusal"]
    output.unlink()
    with pytest.raises(InputError, match=r"(?s)f16, q4 cannot be made.*not recognized.*leave nf4 alone"):
        preflight.preflight(name="a", entry=ENTRY | {"formats": ["f16", "q4"]}, place=folder, output=output, **SETTINGS)


def thinking(folder: Path) -> None:
    """Give a folder a template that writes an empty thought before the answers of a finished conversation."""
    file = folder / "chat_template.jinja"
    content = "{{ message['content'] | trim }}"
    thought = "{% if message['role'] == 'assistant' %}<think></think>{% endif %}"
    file.write_text(file.read_text(encoding="utf-8").replace(content, thought + content), encoding="utf-8")


def test_a_template_that_renders_another_answer_is_shown(folder):
    assert preflight_tokens.template_difference(AutoTokenizer.from_pretrained(folder), tiny.CONVERSATION) is None
    thinking(folder)
    difference = preflight_tokens.template_difference(AutoTokenizer.from_pretrained(folder), tiny.CONVERSATION)
    assert difference["template"].startswith("<think></think>計画高水位")
    assert difference["trained"].startswith("計画高水位")


def test_a_template_that_renders_another_answer_is_refused_until_it_is_accepted(folder, tmp_path):
    thinking(folder)
    assert re.search(r"(?s)writes this conversation with other tokens .* set chat\.prompt to", said(folder))
    for prompt, equal in (("generation", False), ("conversation", True)):
        settings = SETTINGS | {"conversation": replace(tiny.CONVERSATION, prompt=prompt)}
        preflight.preflight(name="a", entry=ENTRY, place=folder, output=tmp_path / "a.json", **settings)
        template = json.loads((tmp_path / "a.json").read_text())["template"]
        assert (template["prompt"], template["equal"], template["difference"] is None) == (prompt, equal, equal)


def test_a_pattern_that_matches_nothing_is_refused(folder):
    train = SETTINGS["train"] | {"target_modules": ["w1"]}
    assert "config key train.target_modules: 'w1' matches no matrix of LlamaForCausalLM" in said(folder, train=train)


EIGHT_B = LlamaConfig(
    vocab_size=128256,
    hidden_size=4096,
    intermediate_size=14336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    tie_word_embeddings=False,
)


def test_memory_of_eight_billion_parameters_is_as_measured():
    """docs/gpu.md: 92 KiB a token and layer, NF4 3.4 GiB, output matrix and embedding 1.0 each, adapter 0.6; files of
    16.06 GB (F16) and 4.92 GB (Q4_K_M); a cache of 128 KiB a token.
    """
    model = preflight_model.build(EIGHT_B)
    targets, settings = choose_targets(model, None), {"checkpointing": False, "context": 1024, "batch_size": 1}
    found = preflight_model.memory(model, targets, precision="nf4", r=16, limit=15, **settings)
    assert model.num_parameters() == 8_030_261_248
    assert found["training"]["kib_per_token"] == 92 * 32
    assert found["training"]["weights_gib"] == pytest.approx(3.4 + 1.0 + 1.0 + 0.6, abs=0.1)
    assert 3000 < found["training"]["tokens_within_limit"] < 3400
    assert found["formats"]["f16"]["weights_gib"] * 2**30 == pytest.approx(16.06e9, rel=0.005)
    assert found["formats"]["q4"]["weights_gib"] * 2**30 == pytest.approx(4.92e9, rel=0.01)
    assert found["formats"]["q4"]["cache_gib"] == 0.125
    assert (found["formats"]["f16"]["fits"], found["formats"]["q4"]["fits"]) == (False, True)


def test_a_model_too_large_to_train_is_refused(folder):
    assert re.search(
        r"weights and adapter take .* GiB in training, the resource gpu_memory_gib allows 0\.5", said(folder, limit=0.5)
    )


def test_training_on_sixteen_bits_takes_more_memory():
    model = preflight_model.build(EIGHT_B)
    targets, settings = choose_targets(model, None), {"checkpointing": False, "context": 1, "batch_size": 1}
    four, sixteen = (
        preflight_model.memory(model, targets, precision=precision, r=16, limit=None, **settings)["training"]
        for precision in ("nf4", "bf16")
    )
    assert sixteen["weights_gib"] == pytest.approx(8.03e9 * 2 / 2**30 + 0.6, abs=0.1)
    assert sixteen["weights_gib"] > four["weights_gib"] + 9


def test_training_all_weights_takes_each_of_them_four_times():
    config = LlamaConfig(
        hidden_size=512, intermediate_size=1024, num_hidden_layers=2, num_attention_heads=8, vocab_size=1000
    )
    model = preflight_model.build(config)
    targets = choose_targets(model, None)
    settings = {"checkpointing": False, "context": 1024, "batch_size": 1, "precision": "bf16", "r": 16, "limit": None}
    lora, whole = (
        preflight_model.memory(model, targets, weights=weights, **settings)["training"]["weights_gib"]
        for weights in ("lora", "all")
    )
    expected = (targets.coverage["covered"] - 16 * targets.width) * preflight_model.ADAPTER_BYTES / 2**30
    assert whole - lora == pytest.approx(expected, abs=2e-3)


def test_a_pair_of_weights_is_read_by_its_head_alone(tmp_path):
    import torch

    save_file({"model.embed_tokens.weight": torch.zeros(7, 3)}, tmp_path / "model.safetensors")
    shapes, size = preflight_files.read_head(tmp_path / "model.safetensors")
    assert shapes == {"model.embed_tokens.weight": [7, 3]}
    assert size == (tmp_path / "model.safetensors").stat().st_size


# What waits for it


def test_nothing_is_made_of_a_model_that_is_refused(copy: Copy, folder):
    pickles(folder)
    file = copy.folder / "config/smoke.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["models"]["llama"]["source"] = {"path": {"file": str(folder)}}
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    for target in ("all", "results/base/llama"):
        done = copy.snakemake(target, "--cores", "2")
        assert done.returncode and "holds its weights as pickles alone" in done.stdout, done.stdout[-3000:]
        assert "Traceback" not in done.stdout
        assert not (copy.folder / "results/base/llama").exists() and not (copy.folder / "results/adapters").exists()


TARGETS = [
    "results/models/llama-preflight.json",
    "results/models/tanuki-preflight.json",
    "results/adapters/llama_n16_r16_s42/train.json",
    "results/adapters/tanuki_n16_r16_s42/train.json",
]


@pytest.fixture(scope="module")
def study(finished: Copy, tmp_path_factory) -> Copy:
    """The finished smoke study with one more adapter; each test leaves it as it was."""
    study = finished.copy_to(tmp_path_factory.mktemp("preflight") / "run")
    done = study.snakemake(*TARGETS, "--cores", "2")
    assert done.returncode == 0, done.stdout[-4000:]
    return study


def test_all_training_waits_for_preflight(copy: Copy):
    planned = copy.planned("results/adapters/tanuki_n16_r16_s42/train.json")
    assert planned["preflight"] == planned["preflight_passed"] == planned["train_scale"] == 1


def test_preflight_that_runs_again_makes_nothing_again(study):
    module = study.folder / "scripts/tatara/models/preflight_tokens.py"
    with edited(module, lambda text: text.replace("何で決まるか", "どう決めるか")):
        assert study.planned(*TARGETS) == {"preflight": 2}


def test_changed_params_are_seen_while_preflight_runs_again(study):
    module = study.folder / "scripts/tatara/models/preflight_tokens.py"
    config = study.folder / "config/smoke.yaml"
    with (
        edited(module, lambda text: text.replace("何で決まるか", "どう決めるか")),
        edited(config, lambda text: text.replace("epochs: 1", "epochs: 2")),
    ):
        assert study.planned(*TARGETS) == {"preflight": 2, "train_scale": 2}


def test_a_new_source_waits_for_preflight_again(study):
    config = study.folder / "config/smoke.yaml"
    with edited(config, lambda text: text.replace("seed: 4, steps: 8", "seed: 4, steps: 9")):
        planned = study.planned("results/base/tanuki")
    assert planned == {"preflight": 1, "preflight_passed": 1, "base_scratch": 1}


def test_a_lost_preflight_file_makes_nothing_again(study):
    (study.folder / TARGETS[0]).unlink()
    assert study.planned(*TARGETS) == {"preflight": 1}
    assert study.snakemake(TARGETS[0], "--cores", "2").returncode == 0
    assert study.planned(*TARGETS) == {}


def test_a_refusal_stops_a_finished_study_and_costs_it_nothing(study):
    """A matrix is asked for that no model has, and taken back."""
    file = study.folder / "config/smoke.yaml"
    with edited(file, lambda text: text.replace("train:\n", "train:\n  target_modules: [nowhere]\n")):
        done = study.snakemake(*TARGETS, "--cores", "2")
        assert done.returncode and "'nowhere' matches no matrix of LlamaForCausalLM" in done.stdout
        lost = [target for target in TARGETS if not (study.folder / target).exists()]
        assert len(lost) == 1 and lost[0] in TARGETS[:2]
    assert study.planned(*TARGETS) == {"preflight": 1}
    assert study.snakemake(*lost, "--cores", "2").returncode == 0
    assert study.planned(*TARGETS) == {}
