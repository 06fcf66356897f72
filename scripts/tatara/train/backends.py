"""Which code trains: our own fused step, unsloth or TRL."""

import importlib.util
import logging
import os
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from peft.utils.constants import DUMMY_TARGET_MODULES

from tatara.job.errors import InputError
from tatara.models import loading
from tatara.models.lora_targets import Targets
from tatara.train import fused
from tatara.train.trainable import Trainable

logger = logging.getLogger("tatara")


def _unsloth_refuses(base: Trainable, place: torch.device) -> str | None:
    targets = base.targets
    if place.type != "cuda":
        return "unsloth needs a GPU"
    if importlib.util.find_spec("unsloth") is None:
        return "unsloth is not installed (envs/gpu.txt has it)"
    if base.precision != "nf4":
        return f"unsloth is used with NF4 alone, and config key train.base_precision is {base.precision}"
    if base.left_out:
        return f"unsloth loads all of {base.left_out['class']}, and its text part alone is trained"
    if others := sorted({*targets.modules, *targets.parameters} - set(fused.TARGETS)):
        return f"unsloth adapts {', '.join(fused.TARGETS)}, not {', '.join(others)}"
    return None


def choose_backend(choice: str, place: torch.device, base: Trainable, packing: bool | str = "auto") -> str:
    """Return `fused`, `unsloth` or `trl` for `auto` or one of these; `auto` is the first of them that can run, with the
    reasons logged.

    On a CPU `auto` is TRL, the reference; `fused` runs there when it is named.

    Args:
        packing: `train.packing`.

    Raises:
        InputError: the backend that is asked for cannot run here, or cannot pack as it is asked to.
    """
    reasons = {
        "fused": fused.unsupported(base, place),
        "unsloth": _unsloth_refuses(base, place),
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
    if place.type != "cuda":
        logger.info("train.backend auto: trl, since there is no GPU")
        return "trl"
    chosen = next(name for name, reason in reasons.items() if not reason)
    refused = [reason for reason in reasons.values() if reason]
    logger.info("train.backend auto: %s%s", chosen, f", since {'; '.join(refused)}" if refused else "")
    return chosen


def lora_config(lora: dict, targets: Targets, weights: str = "lora") -> LoraConfig:
    """Return PEFT's settings of an adapter: matrices of low rank, or where all weights are trained, those themselves.

    Args:
        lora: `r`, `alpha`, `dropout`; weights: `train.weights`.

    Raises:
        InputError: experts that a model keeps in one matrix are to be adapted with dropout, which PEFT cannot, or to be
            trained themselves.
    """
    if weights == "all":
        if targets.parameters:
            raise InputError(
                f"config key train.target_modules names {', '.join(targets.parameters)}, matrices of experts or "
                "routers, which are trained by LoRA alone: set train.weights to lora"
            )
        whole = list(targets.modules)
        return LoraConfig(target_modules=DUMMY_TARGET_MODULES, modules_to_save=whole, task_type="CAUSAL_LM")
    if targets.parameters and lora["dropout"]:
        raise InputError(
            f"config key train.target_modules names {', '.join(targets.parameters)}, matrices of experts or routers, "
            "which LoRA adapts without dropout: set the dropout of this stage to 0"
        )
    return LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=list(targets.modules),
        target_parameters=list(targets.parameters) or None,
        task_type="CAUSAL_LM",
    )


def load_trainable(
    folder: Path, base: Trainable, backend: str, place: torch.device, lora: dict, settings: dict, seed: int
):
    """Load the base in `folder` and put a fresh adapter on it.

    Args:
        lora: `r`, `alpha`, `dropout`.
        settings: the `train` section of the config.
    """
    checkpointing, precision = settings["gradient_checkpointing"], base.precision
    config = lora_config(lora, base.targets, settings["weights"])
    if backend == "unsloth":
        return _load_unsloth(folder, config, settings["max_length"], checkpointing, seed)
    model = loading.load_base(folder, place, precision)
    reentrant = {"use_reentrant": False}
    if backend == "trl" and precision == "nf4":
        model = prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=checkpointing,
            gradient_checkpointing_kwargs=reentrant if checkpointing else None,
        )
    elif backend == "trl" and checkpointing:
        model.gradient_checkpointing_enable(reentrant)
    torch.manual_seed(seed)
    return get_peft_model(model, config)


def _load_unsloth(folder: Path, config: LoraConfig, max_length: int, checkpointing: bool, seed: int):
    os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        str(folder), max_seq_length=max_length, load_in_4bit=True, dtype=torch.bfloat16
    )
    return FastLanguageModel.get_peft_model(
        model,
        r=config.r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=sorted(config.target_modules),
        use_gradient_checkpointing="unsloth" if checkpointing else False,
        random_state=seed,
    )
