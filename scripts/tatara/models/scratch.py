"""Small base models built and pretrained here, in the shapes of the paper's four (`source: scratch` in the config).

They carry the real tokenizer families, attention shapes and biases, so every stage meets the same cases as with 8 B
models; what they know is what a minute or two of pretraining on the graph's text gives them.
"""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config

from tatara.models.families import train_tokenizer
from tatara.models.pretraining import held_out_loss, pretrain


def configuration(tokenizer: PreTrainedTokenizerFast, shape: dict) -> LlamaConfig | Qwen2Config:
    """Return the config of a model of this shape and vocabulary (`make_model`)."""
    return {"llama": LlamaConfig, "qwen2": Qwen2Config}[shape["architecture"]](
        vocab_size=len(tokenizer),
        hidden_size=shape["hidden_size"],
        intermediate_size=shape["intermediate_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        max_position_embeddings=shape["context"],
        tie_word_embeddings=False,
        rms_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, shape: dict, seed: int) -> torch.nn.Module:
    """Return a model with random weights.

    Args:
        shape: `architecture` (`llama` or `qwen2`), `hidden_size`, `intermediate_size`, `layers`, `heads`, `kv_heads`,
            `context`.
    """
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(configuration(tokenizer, shape), dtype=torch.float32)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def build(texts: list[str], source: dict, folder: Path, place: torch.device, held_out: list[str]) -> dict:
    """Build, pretrain and save a stand-in; return what is known of it.

    Args:
        texts: the pretraining text, one document an entry.
        source: the `scratch` section of a model in the config.
        folder: gets config.json, model.safetensors and the tokenizer.
        held_out: texts to measure the model on, which it is not trained on; may be empty.
    """
    tokenizer = train_tokenizer(texts, source["tokenizer"], source["vocab_size"], source["byte_fallback"])
    model = make_model(tokenizer, source, source["seed"]).to(place)
    losses = pretrain(model, tokenizer, texts, source)
    measured = {"held_out": held_out_loss(model, tokenizer, held_out, source["block"])} if held_out else {}
    # The paper's bases are bf16 files, and so is this one.
    model.to("cpu", torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        **measured,
    }
