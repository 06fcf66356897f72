"""Which code trains: our own fused step, unsloth or TRL."""

import importlib.util
import logging
import os
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

from tatara.job.errors import InputError
from tatara.models import loading
from tatara.train import fused

logger = logging.getLogger("tatara")


def choose_backend(choice: str, place: torch.device, config, packing: bool | str = "auto") -> str:
    """Return `fused`, `unsloth` or `trl` for `auto` or one of these; `auto` is the first of them that can run, with the
    reasons logged.

    On a CPU `auto` is TRL, the reference; `fused` runs there when it is named.

    Args:
        config: the base model's transformers configuration.
        packing: `train.packing`.

    Raises:
        InputError: the backend that is asked for cannot run here, or cannot pack as it is asked to.
    """
    gpu = place.type == "cuda"
    installed = importlib.util.find_spec("unsloth") is not None
    reasons = {
        "fused": fused.unsupported(config, place),
        "unsloth": "unsloth needs a GPU"
        if not gpu
        else None
        if installed
        else "unsloth is not installed (envs/gpu.txt has it)",
        "trl": None,
    }
    if packing is False:
        reasons["fused"] = "the fused backend works on packed rows alone, and config key train.packing is false"
    if packing is True:
        reasons["unsloth"] = "unsloth does not take packed rows, and config key train.packing is true"
    if choice != "auto":
        if reasons[choice]:
            raise InputError(f"config key train.backend is {choice}, but {reasons[choice]}; take auto or trl")
        return choice
    if not gpu:
        logger.info("train.backend auto: trl, since there is no GPU")
        return "trl"
    chosen = next(name for name, reason in reasons.items() if not reason)
    refused = [reason for name, reason in reasons.items() if reason]
    logger.info("train.backend auto: %s%s", chosen, f", since {'; '.join(refused)}" if refused else "")
    return chosen


def choose_packing(choice: bool | str, backend: str, place: torch.device) -> bool:
    """Return whether the samples of a forward pass lie in one row, for `auto` or a choice of the user's that the
    backend can do.
    """
    return backend == "fused" or (backend == "trl" and (place.type == "cuda" if choice == "auto" else choice))


def load_trainable(
    base: Path, backend: str, place: torch.device, lora: dict, max_length: int, seed: int, checkpointing: bool
):
    """Load the base in NF4 and put a fresh adapter on it.

    Args:
        lora: `r`, `alpha`, `dropout`.
    """
    if backend == "unsloth":
        os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
        from unsloth import FastLanguageModel

        model, _ = FastLanguageModel.from_pretrained(
            str(base), max_seq_length=max_length, load_in_4bit=True, dtype=torch.bfloat16
        )
        return FastLanguageModel.get_peft_model(
            model,
            r=lora["r"],
            lora_alpha=lora["alpha"],
            lora_dropout=lora["dropout"],
            target_modules=loading.TARGET_MODULES,
            use_gradient_checkpointing="unsloth" if checkpointing else False,
            random_state=seed,
        )
    model = loading.load_nf4(base, place)
    if backend == "trl":
        model = prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
        )
    config = LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=loading.TARGET_MODULES,
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    return get_peft_model(model, config)
