"""Model classes of transformers in small: two layers of width 256, random weights, a real tokenizer where there is one.

A case says of a class what must come out of it; `make_source` writes its folder. `tests/test_model_classes.py` goes
through the cases.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import real_tokenizers
import tiny_models
import torch
from tatara.models import families
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

SYSTEM = "あなたは技術者です。"
SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}
# Chat templates of our own in the form of released models that none of the real tokenizers has.
_TURNS = "{{% for m in messages %}}{turn}{{% endfor %}}{{% if add_generation_prompt %}}{answer}{{% endif %}}"
CHATML = families.CHATML
GEMMA2 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + _TURNS.format(
        turn="<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n",
        answer="<start_of_turn>model\n",
    )
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content | trim }}{{ eos_token }}"
    "{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}"
)
PHI3 = _TURNS.format(turn="<|{{ m.role }}|>\n{{ m.content }}<|im_end|>\n", answer="<|assistant|>\n")
DATED = (
    "<|begin_of_text|><|start_header_id|>metadata<|end_header_id|>\n\n{{ strftime_now('%d %B %Y') }}<|eot_id|>"
    + _TURNS.format(
        turn="<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>",
        answer="<|start_header_id|>assistant<|end_header_id|>\n\n",
    )
)
HARMONY = "<|start|>system<|message|>Current date: {{ strftime_now('%Y-%m-%d') }}<|end|>" + _TURNS.format(
    turn="{% if m.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}"
    "{{ '<|return|>' if loop.last else '<|end|>' }}{% else %}"
    "<|start|>{{ 'developer' if m.role == 'system' else m.role }}<|message|>{{ m.content }}<|end|>{% endif %}",
    answer="<|start|>assistant",
)
DATE = "2026-01-15"
SIX = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Case:
    """A model class with a tokenizer.

    Attributes:
        model_type: transformers' name of the configuration.
        tokenizer: a real one (`real_tokenizers`), `llm-jp`, or a family of ours (`families`).
        chat: the chat template, None for the tokenizer's own.
        conversation: what the configuration has to say so that training is template-exact.
        end: the token that ends a turn.
        config: what differs from SHAPE.
        vision: the configuration of a vision part, for models that also see.
        targets: the names that get an adapter.
        share: of the decoder's weights that the adapter covers.
        packed: whether samples may lie in one row.
        target_modules: `train.target_modules`.
        refusal: what llama.cpp's converter says of a class that it does not have.
        daily: whether the case is part of the default run; all are of `make test-models`.
    """

    model_type: str
    tokenizer: str
    end: str
    chat: str | None = None
    conversation: Conversation = field(default_factory=lambda: Conversation(SYSTEM))
    config: dict = field(default_factory=dict)
    vision: dict | None = None
    targets: tuple[str, ...] = tuple(sorted(SIX))
    share: float = 1.0
    packed: bool = True
    target_modules: list[str] | None = None
    refusal: str | None = None
    daily: bool = False


_GEMMA = {"tokenizer": "gemma3", "end": "<end_of_turn>"}
_LLAMA3 = {"tokenizer": "llama3", "end": "<|eot_id|>"}
_QWEN3 = {"tokenizer": "qwen3", "end": "<|im_end|>", "conversation": Conversation(SYSTEM, {"enable_thinking": False})}
_CHATML = {"tokenizer": "small-qwen2", "end": "<|im_end|>"}
_ATTENTION = ("k_proj", "o_proj", "q_proj", "v_proj")
_VISION = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_EXPERTS = {"num_experts_per_tok": 2, "head_dim": 64}
_QWEN3_MOE = {
    "model_type": "qwen3_moe",
    **_QWEN3,
    "config": {"num_experts": 4, "moe_intermediate_size": 256, "decoder_sparse_step": 1, **_EXPERTS},
}
_GPT_OSS = {
    "model_type": "gpt_oss",
    "tokenizer": "gptoss",
    "end": "<|return|>",
    "chat": HARMONY,
    "packed": False,
    "conversation": Conversation(SYSTEM, date=DATE, prompt="conversation"),
    "config": {"num_local_experts": 4, "intermediate_size": 256, **_EXPERTS},
}
CASES = {
    "llama": Case("llama", **_LLAMA3),
    "llama tied": Case("llama", "llama3_1", "<|eot_id|>", config={"tie_word_embeddings": True}),
    "llama llm-jp": Case("llama", "llm-jp", "<EOD|LLM-jp>", chat=families.INSTRUCTION_CHAT),
    "mistral": Case("mistral", "small-llama3", "<|end_of_text|>", chat=MISTRAL, config={"sliding_window": None}),
    "qwen2": Case("qwen2", "qwen3", "<|im_end|>", chat=CHATML),
    "qwen3": Case("qwen3", **_QWEN3, config={"head_dim": 64}, daily=True),
    "qwen3 moe": Case(**_QWEN3_MOE, targets=_ATTENTION, share=0.1998),
    "qwen3 moe, experts": Case(
        **_QWEN3_MOE,
        target_modules=["*_proj", "mlp.gate.weight"],
        targets=(*_ATTENTION, "down_proj", "gate.weight", "gate_up_proj"),
    ),
    "gemma2": Case(
        "gemma2",
        **_GEMMA,
        chat=GEMMA2,
        config={"head_dim": 64, "query_pre_attn_scalar": 64, "final_logit_softcapping": 2.0},
    ),
    "gemma3": Case("gemma3_text", **_GEMMA, config={"head_dim": 64, "query_pre_attn_scalar": 64}),
    "gemma3 that sees": Case("gemma3", **_GEMMA, config={"head_dim": 64, "query_pre_attn_scalar": 64}, vision=_VISION),
    "mistral3 that sees": Case(
        "mistral3",
        "small-llama3",
        "<|eot_id|>",
        config={"model_type": "mistral", "sliding_window": None},
        vision={"model_type": "pixtral", **_VISION},
        daily=True,
    ),
    "phi3": Case("phi3", **_CHATML, chat=PHI3, targets=("down_proj", "gate_up_proj", "o_proj", "qkv_proj"), daily=True),
    "granite": Case("granite", **_CHATML, config={"logits_scaling": 8.0, "embedding_multiplier": 12.0}),
    "olmo2": Case("olmo2", **_CHATML),
    "smollm3": Case(
        "smollm3", "llama3_1", "<|eot_id|>", chat=DATED, conversation=Conversation(SYSTEM, date=DATE), config={}
    ),
    "lfm2": Case(
        "lfm2",
        **_CHATML,
        config={"layer_types": ["conv", "full_attention"], "block_multiple_of": 256},
        targets=("in_proj", "k_proj", "out_proj", "q_proj", "v_proj", "w1", "w2", "w3"),
        share=0.9994,
        packed=False,
        daily=True,
    ),
    "helium": Case("helium", **_CHATML, config={"head_dim": 64}, refusal="HeliumForCausalLM is not supported"),
    "gpt-oss": Case(**_GPT_OSS, targets=_ATTENTION, share=0.1998),
    "gpt-oss, experts": Case(
        **_GPT_OSS, target_modules=["experts.*"], targets=("down_proj", "gate_up_proj"), share=0.7992
    ),
}


@cache
def _small_tokenizer(family: str):
    return families.train_tokenizer(tiny_models.TEXTS, family, 1024)


def put_tokenizer(case: Case, folder: Path) -> None:
    """Put a case's tokenizer into a folder, with its chat template; skip the test where it cannot be had."""
    if case.tokenizer.startswith("small-"):
        _small_tokenizer(case.tokenizer.removeprefix("small-")).save_pretrained(folder)
    else:
        real_tokenizers.put(case.tokenizer, folder)
    if case.chat:
        (folder / "chat_template.jinja").write_text(case.chat, encoding="utf-8")
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        settings.pop("chat_template", None)
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def make_source(case: Case, folder: Path) -> Path:
    """Write a model of a case's class with random weights, in bf16, and its tokenizer, as a user has it."""
    put_tokenizer(case, folder)
    tokenizer = load_tokenizer(folder)
    text = {
        **SHAPE,
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        **case.config,
    }
    parts = {"text_config": text, "vision_config": case.vision} if case.vision else text
    config = AutoConfig.for_model(case.model_type, **parts)
    torch.manual_seed(1)
    kind = AutoModelForImageTextToText if case.vision else AutoModelForCausalLM
    model = kind.from_config(config, dtype=torch.float32)
    with torch.no_grad():  # norms, biases and router away from the ones and zeros that they begin with
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder
