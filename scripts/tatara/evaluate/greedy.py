"""Greedy generation of one answer."""

from collections.abc import Callable

from tatara.llama import gguf_model
from tatara.models import loading

Generate = Callable[[list[int]], list[int]]  # prompt ids -> generated ids, a stop token included where one came


def llama_generate(model, stops: list[int], limit: int) -> Generate:
    """Return greedy generation through llama.cpp."""
    return lambda prompt: list(gguf_model.greedy_tokens(model, prompt, stops, limit))


def transformers_generate(model, tokenizer, stops: list[int], limit: int) -> Generate:
    """Return greedy generation through transformers."""
    import torch
    from transformers import GenerationConfig

    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stops[0]
    # A fresh configuration: the base's own may ask for sampling.
    settings = GenerationConfig(do_sample=False, max_new_tokens=limit, eos_token_id=stops, pad_token_id=pad)

    def generate(prompt: list[int]) -> list[int]:
        ids = torch.tensor([prompt], device=model.device)
        with loading.inference():
            return model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)[
                0, len(prompt) :
            ].tolist()

    return generate
