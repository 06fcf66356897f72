"""The paper's four models in small: their published configurations with two layers and a sixteenth of the width, real
tokenizers and chat templates, random weights, through every rule of config/paper.yaml. `make test-models` runs it.
"""

import json
from pathlib import Path

import pytest
import real_tokenizers
import torch
import yaml
from pipeline_copy import REPOSITORY, Copy
from tatara.files.config import read_config
from tatara.models.tokenizer import load_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

pytestmark = [pytest.mark.models, pytest.mark.further_class, pytest.mark.timeout(3600)]
_SMALL = {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
_LLAMA3 = {
    "model_type": "llama",
    **_SMALL,
    "intermediate_size": 1024,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
    "rms_norm_eps": 1e-5,
}
SHAPES = {
    "swallow": _LLAMA3,
    "elyza": _LLAMA3,
    "qwen": {
        "model_type": "qwen2",
        **_SMALL,
        "intermediate_size": 1280,
        "vocab_size": 152064,
        "max_position_embeddings": 32768,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        "rms_norm_eps": 1e-6,
    },
    "tanuki": {
        "model_type": "llama",
        **_SMALL,
        "intermediate_size": 1024,
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "rms_norm_eps": 1e-5,
    },
}
TOKENIZERS = {"swallow": "llama3", "elyza": "llama3", "qwen": "qwen2_5", "tanuki": "llm-jp"}
# In the form of Tanuki's own: a system role that says one sentence of the template's, whatever it is given.
TANUKI_CHAT = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}\n\n### 指示:\n{{ m['content'] }}"
    "{% elif m['role'] == 'system' %}次の指示に答えなさい。"
    "{% else %}\n\n### 応答:\n{{ m['content'] + eos_token }}{% endif %}"
    "{% if loop.last and add_generation_prompt %}\n\n### 応答:\n{% endif %}{% endfor %}"
)
LESS = {
    "subsets": {"sizes": [16, 24]},
    "testset": {"limit": 4},
    "train": {"epochs": 1},
    "parity": {"lines": 2},
    "statistics": {"resamples": 200},
    "judge": {"judges": {"rubric": {"kind": "rubric"}}},
}


def make_folder(name: str, folder: Path) -> None:
    """Write a model of the paper's in small, with its real tokenizer."""
    real_tokenizers.put(TOKENIZERS[name], folder)
    if name == "tanuki":
        (folder / "chat_template.jinja").write_text(TANUKI_CHAT, encoding="utf-8")
    tokenizer = load_tokenizer(folder)
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")}
    shape = {"vocab_size": -(-len(tokenizer) // 64) * 64, **SHAPES[name], **ids}
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(AutoConfig.for_model(**shape), dtype=torch.bfloat16).save_pretrained(folder)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """The results of config/paper.yaml with these models in place of the hub's."""
    copy = Copy(tmp_path_factory.mktemp("paper"))
    config = read_config([REPOSITORY / "config/paper.yaml"], REPOSITORY)
    for name, entry in config["models"].items():
        make_folder(name, copy.folder / "models" / name)
        entry["source"] = {"path": {"file": f"models/{name}"}}
    for section, values in LESS.items():
        config[section] = config.get(section, {}) | values
    config["evaluate"] |= {"max_new_tokens": 8, "batch_size": 2}
    (copy.folder / "config/small.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = copy.snakemake("all", "--cores", "2", "--resources", "gpu=1", config="config/small.yaml")
    assert done.returncode == 0, done.stdout[-6000:]
    return copy.folder / "results"


def read(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SHAPES)
def test_a_model_of_the_paper_is_trained_on_its_own_template_and_is_itself_as_gguf(study, name):
    found = read(study / f"models/{name}-preflight.json")
    assert found["template"]["equal"] and found["gguf"]["possible"] and found["adapter"]["share"] == 1.0
    parity = read(study / f"gguf/{name}-parity.json")
    assert parity["formats"].keys() == {"f16", "q4"}
    assert all(entry["token_ids_equal"] and entry["passed"] for entry in parity["formats"].values())
    trained = read(study / f"adapters/{name}_selected_r32_s42/train.json")
    assert trained["template_exact"] == trained["n"]


def test_the_fourth_model_is_there_in_three_formats(study):
    """As no table of the paper's has it: NF4, F16 and Q4_K_M of a Unigram vocabulary with byte fallback."""
    for fmt in ("nf4", "f16", "q4"):
        assert len((study / f"answers/tanuki_{fmt}.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    likelihood = {fmt: read(study / f"nll/tanuki_{fmt}.json")["nll"] for fmt in ("f16", "q4")}
    assert likelihood["q4"] == pytest.approx(likelihood["f16"], rel=0.01)
